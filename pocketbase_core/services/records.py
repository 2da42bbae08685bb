"""Records of one collection."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ..calls.call import Call
from ..calls.options import (
    FirstOptions,
    FullListOptions,
    ListOptions,
    LiveOptions,
    OptionsArg,
    RecordOptions,
    SubscribeOptions,
    parse_leading,
    parse_options,
)
from ..concurrency.event_loops import start_lock
from ..endpoints import records
from ..endpoints.pages import Page
from ..endpoints.realtime import record_topic
from ..faces import AsyncFace, endpoint, live_method, method, overloaded_method, subscribing_method
from ..input_errors import PocketBaseInputTypeError
from ..models.decoders import Decoder, RecordEvent, decode_call, decode_from, decode_page_call, event_decoder
from ..pipeline import Pipeline
from ..realtime.callbacks import callback_and_topic
from .auth import AuthService
from .changes import RecordChanges
from .flows.bound_pipeline import BoundPipeline
from .flows.pagination import RecordIterator, fetch_all
from .flows.password_confirmation import PasswordConfirmation, is_unconfirmed
from .many_records import ManyRecords
from .record_change import RecordChange
from .subscribing import RecordCallback, RecordSubscription

if TYPE_CHECKING:
    from ..live.query import LiveQuery
    from ..realtime.service import Realtime
    from ..realtime.subscription import EventStream

T = TypeVar("T")
_USAGE = (
    'subscribe takes a function and the id of a record: subscribe(callback, "RECORD_ID"), or '
    'subscribe("RECORD_ID", callback); subscribe_all(callback) is for all records'
)


class RecordMethods(RecordChanges[T], ManyRecords):
    """The methods of the records of one collection."""

    def __init__(
        self,
        pipeline: Pipeline,
        realtime: "Callable[[], Realtime]",
        passwords: PasswordConfirmation,
        collection: str,
        decode: Decoder[T],
    ) -> None:
        super().__init__(pipeline)
        self._realtime = realtime
        self._passwords = passwords
        self._collection = collection
        self._decode = decode

    @endpoint
    def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: OptionsArg = None,
        **keywords: Unpack[ListOptions],
    ) -> Call[Page[T]]:
        """Return one page: `{"page", "perPage", "totalItems", "totalPages", "items"}`.

        Options: `filter`, `sort`, `expand`, `fields`, `skip_total`, `params`, `headers`, `timeout`.

        Args:
            page: The number of the page, from 1.
            per_page: Records a page; the server returns at most 1000.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        With `skip_total`, `totalItems` and `totalPages` are -1, and the server answers faster.
        """
        call = records.get_list(self._collection, page, per_page, parse_options(ListOptions, options, keywords))
        return decode_page_call(call, self._decode)

    @method
    async def get_full_list(
        self,
        batch_or_options: int | OptionsArg = None,
        /,
        options: OptionsArg = None,
        **keywords: Unpack[FullListOptions],
    ) -> list[T]:
        """Return all records.

        The option `batch` is the number of records a request, 1000 by default. The option `timeout` limits all requests
        together.

        Options: `filter`, `sort`, `expand`, `fields`, `batch`, `params`, `headers`, `timeout`.

        Args:
            batch_or_options: The option `batch`, or the options as a dict.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_leading(FullListOptions, "batch", batch_or_options, options, keywords)
        batch = parsed.method_options.get("batch", 1000)
        return await fetch_all(
            self._pipeline,
            parsed,
            lambda number: records.get_page(self._collection, number, batch, parsed),
            self._decode,
        )

    @method
    def iterate(
        self, batch: int = 500, options: OptionsArg = None, **keywords: Unpack[FirstOptions]
    ) -> AsyncIterator[T]:
        """Iterate over all records. Little more than one batch of them is in memory.

        Without a `sort`, keyset pagination is used: the records come in the order of their ids, every page is equally
        cheap, and each record that exists throughout is yielded exactly once, whatever is created or deleted meanwhile.

        Options: `filter`, `sort`, `expand`, `fields`, `params`, `headers`, `timeout`.

        Args:
            batch: Records a request.
            options: The options as a dict. `timeout` limits each request.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(FirstOptions, options, keywords)
        reader = records.make_pages(self._collection, batch, parsed)
        return RecordIterator(self._pipeline, parsed, reader, self._decode)

    @endpoint
    def get_first(
        self,
        filter_or_options: str | OptionsArg = None,
        /,
        options: OptionsArg = None,
        **keywords: Unpack[FirstOptions],
    ) -> Call[T]:
        """Return the first record of the list.

        Options: `filter`, `sort`, `expand`, `fields`, `params`, `headers`, `timeout`.

        Args:
            filter_or_options: The option `filter`, or the options as a dict.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            PocketBaseNotFoundError: If the list is empty.
        """
        parsed = parse_leading(FirstOptions, "filter", filter_or_options, options, keywords)
        call = records.get_first(self._collection, parsed)
        return decode_call(call, self._decode)

    @endpoint
    def get_one(self, record_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[T]:
        """Return the record with this id.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.

        Raises:
            PocketBaseNotFoundError: If there is no such record, or the user may not see it.
        """
        call = records.get_one(self._collection, record_id, parse_options(RecordOptions, options, keywords))
        return decode_call(call, self._decode)

    async def _subscribe(
        self,
        callback: Any = None,
        record_id: Any = None,
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> Callable[[], Awaitable[None]]:
        """Call `callback` with `{"action", "record"}` each time the record is updated or deleted.

        The id may also come before the callback; `"*"` is all records. See `Realtime.subscribe` for the callback, the
        options and the errors.

        Options: `filter`, `expand`, `fields`, `on_gap`, `params`, `headers`, `timeout`.

        Returns:
            A coroutine function that ends the subscription.
        """
        callback, record_id = callback_and_topic(callback, record_id, _USAGE)
        if record_id is None:
            raise PocketBaseInputTypeError(_USAGE)
        topic, decode = record_topic(self._collection, record_id), event_decoder(self._decode)
        return await self._realtime().subscribe(topic, callback, options, decode=decode, **keywords)

    subscribe: RecordSubscription[T] = overloaded_method(_subscribe)

    @subscribing_method
    async def subscribe_all(
        self, callback: RecordCallback[T], options: OptionsArg = None, **keywords: Unpack[SubscribeOptions]
    ) -> Callable[[], Awaitable[None]]:
        """Call `callback` each time any record of the collection is created, updated or deleted; see `subscribe`.

        Options: `filter`, `expand`, `fields`, `on_gap`, `params`, `headers`, `timeout`.
        """
        return await self._subscribe(callback, "*", options, **keywords)

    @method
    async def unsubscribe(self, record_id: str | None = None) -> None:
        """End subscriptions of this collection.

        Args:
            record_id: Ends the subscriptions to this record; `"*"` those of `subscribe_all`; None all of them.
        """
        if record_id is None:
            await self._realtime().unsubscribe_by_prefix(f"{self._collection}/")
        else:
            await self._realtime().unsubscribe(record_topic(self._collection, record_id))

    @method
    def events(
        self,
        record_id: str = "*",
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> "AbstractAsyncContextManager[EventStream[RecordEvent[T]]]":
        """Iterate over changes of records: `async with posts.events() as events: async for event in events`.

        An event is `{"action", "record"}`, or a `Gap` where events may be missing. Without a `record_id`, the events of
        all records are yielded.

        Options: `filter`, `expand`, `fields`, `on_gap`, `params`, `headers`, `timeout`.
        """
        topic, decode = record_topic(self._collection, record_id), event_decoder(self._decode)
        return self._realtime().events(topic, options, decode=decode, **keywords)

    @live_method
    def live(self, options: OptionsArg = None, **keywords: Unpack[LiveOptions]) -> "LiveQuery[T]":
        """Keep a list of records as the server has it: `async with posts.live(filter="done = false") as live`.

        Once the server is quiet, `live.items` is what `get_full_list` returns with the same options, whatever was
        lost, restarted or changed meanwhile. A record that leaves the filter, or that the user may not see any more,
        leaves the list. Among records with the same sort values, a last sort key `id` makes the order certain.

        Options: `filter`, `sort`, `expand`, `fields`, `limit`, `watch`, `params`, `headers`, `timeout`.

        Args:
            options: The options as a dict. `watch` needs the collections of relations in `filter` or `sort`, and those
                that a view reads; what `expand` shows is watched by itself. `timeout` limits each request.
            **keywords: The options as keyword arguments.

        Returns:
            The live query. Entering its block subscribes and reads the list, and raises what these raise; for a view
            without `watch`, a ValueError.

        Raises:
            TypeError: If an option is of the wrong type.
            ValueError: If `limit` is below 1, or `sort` contains `@random`, or an option cannot be sent.
        """
        with start_lock:
            from ..live.plan import Plan
            from ..live.query import LiveQuery
        plan = Plan.make(self._collection, parse_options(LiveOptions, options, keywords))
        return LiveQuery(plan, self._pipeline, self._realtime(), self._decode)

    async def _send(self, change: RecordChange[T]) -> T:
        """Send a change with its password confirmed, which may take another request first."""
        call, pipeline = change.call, self._pipeline
        execute, auth_store = pipeline.execute, pipeline.auth_store
        if is_unconfirmed(call):
            bound = BoundPipeline(pipeline, change.options)
            (call,) = await self._passwords.confirm(bound, [(self._collection, call)])
            execute = bound.execute
        if change.record_id is None:
            return await execute(decode_call(call, change.decode))
        record, response = await execute(call.with_response())
        change.keep_in_step(auth_store, record)
        return decode_from(response.url, response.status_code, record, change.decode)


class RecordService(RecordMethods[T], AsyncFace):
    """The records of one collection. `auth` has the ways to sign in, if it is an auth collection.

    Records are dicts, or instances of the class that `PocketBase.collection` was given. If a record is not valid for
    that class, the method raises PocketBaseDecodeError, although the server has already applied a change.
    """

    auth: AuthService
    """The ways to sign in."""
