"""Records of one collection."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, Unpack

from ..calls.call import Call
from ..calls.options import (
    FirstOptions,
    FullListOptions,
    ListOptions,
    OptionsArg,
    RecordOptions,
    SubscribeOptions,
    parse_options,
)
from ..endpoints import records
from ..endpoints.pages import Page
from ..endpoints.realtime import record_topic
from ..models.decoders import Decoder, RecordEvent, decode_call, decode_from, decode_page_call, event_decoder
from ..pipeline import Pipeline
from ..realtime import EventStream, Realtime
from .auth import AuthService
from .changes import RecordChange, RecordChanges
from .faces import AsyncFace, endpoint
from .flows.bound_pipeline import BoundPipeline
from .flows.pagination import fetch_all, iterate_pages
from .flows.password_confirmation import PasswordConfirmation, is_unconfirmed

S = TypeVar("S")
T = TypeVar("T")


class RecordService(RecordChanges[T], AsyncFace):
    """The records of one collection; `auth` signs them in, where it is an auth collection.

    What comes back is what `decode` makes of the record, or PocketBaseDecodeError: a change has happened then.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        realtime: Realtime,
        passwords: PasswordConfirmation,
        collection: str,
        decode: Decoder[T],
        auth: AuthService,
    ) -> None:
        super().__init__(pipeline)
        self._realtime = realtime
        self._passwords = passwords
        self._collection = collection
        self._decode = decode
        self.auth = auth

    @endpoint
    def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: OptionsArg = None,
        **keywords: Unpack[ListOptions],
    ) -> Call[Page[T]]:
        """Return a page: `{"page", "perPage", "totalItems", "totalPages", "items"}`. Servers cap `per_page` at 1000."""
        call = records.get_list(self._collection, page, per_page, parse_options(ListOptions, options, keywords))
        return decode_page_call(call, self._decode)

    async def get_full_list(self, options: OptionsArg = None, **keywords: Unpack[FullListOptions]) -> list[T]:
        """Return all records, read in batches of 1000 or `batch`. A `timeout` is for all requests together."""
        settings = parse_options(FullListOptions, options, keywords)
        batch = settings.method_options.get("batch", 1000)
        return await fetch_all(
            self._pipeline,
            settings,
            lambda number: records.get_page(self._collection, number, batch, settings),
            self._decode,
        )

    def iterate(
        self, batch: int = 500, options: OptionsArg = None, **keywords: Unpack[FirstOptions]
    ) -> AsyncIterator[T]:
        """Iterate over all records, read in batches: little more than one batch is in memory.

        Without a sort, the records come in the order of their ids. Then no page costs more than the first, and records
        that are created or deleted meanwhile shift nothing: each record that stays is seen once. `timeout` is for each
        request.
        """
        settings = parse_options(FirstOptions, options, keywords)
        reader = records.by_id(self._collection, batch, settings)
        return iterate_pages(self._pipeline, settings, reader, self._decode)

    @endpoint
    def get_first(self, options: OptionsArg = None, **keywords: Unpack[FirstOptions]) -> Call[T]:
        """Return the first record of the list.

        Raises:
            PocketBaseNotFoundError: the list is empty.
        """
        call = records.get_first(self._collection, parse_options(FirstOptions, options, keywords))
        return decode_call(call, self._decode)

    @endpoint
    def get_one(self, record_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[T]:
        """Return the record with this id."""
        call = records.get_one(self._collection, record_id, parse_options(RecordOptions, options, keywords))
        return decode_call(call, self._decode)

    async def subscribe(
        self,
        callback: Callable[[RecordEvent[T]], object] | Callable[[dict[str, Any]], object],
        record_id: str,
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> Callable[[], Awaitable[None]]:
        """Call `callback` with `{"action", "record"}` when a record is updated or deleted; see `Realtime.subscribe`."""
        topic, decode = record_topic(self._collection, record_id), event_decoder(self._decode)
        return await self._realtime.subscribe(topic, callback, options, decode=decode, **keywords)

    async def subscribe_all(
        self,
        callback: Callable[[RecordEvent[T]], object] | Callable[[dict[str, Any]], object],
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> Callable[[], Awaitable[None]]:
        """Subscribe to all records of the collection, new ones too; see `subscribe`."""
        return await self.subscribe(callback, "*", options, **keywords)

    async def unsubscribe(self, record_id: str | None = None) -> None:
        """End the subscriptions to one record (`"*"`: to all records), or without an id, all of this collection."""
        if record_id is None:
            await self._realtime.unsubscribe_by_prefix(f"{self._collection}/")
        else:
            await self._realtime.unsubscribe(record_topic(self._collection, record_id))

    def events(
        self,
        record_id: str = "*",
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> AbstractAsyncContextManager[EventStream[RecordEvent[T]]]:
        """Iterate over changes of records: `async with posts.events() as events: async for event in events`.

        An event is `{"action", "record"}`, or a `Gap` if events may be missing.
        """
        topic, decode = record_topic(self._collection, record_id), event_decoder(self._decode)
        return self._realtime.events(topic, options, decode=decode, **keywords)

    async def _execute(self, call: Any) -> Any:
        if isinstance(call, RecordChange):
            change: RecordChange[Any] = call
            return await self._send(change)
        return await super()._execute(call)

    async def _send(self, change: RecordChange[S]) -> S:
        """Send a change with its password confirmed, which may take another request first."""
        call, pipeline = change.call, self._pipeline
        call = call.with_parser(lambda response: (change.call.parse(response), response))
        if is_unconfirmed(call):
            bound = BoundPipeline(pipeline, change.options)
            (call,) = await self._passwords.confirm(bound, [(self._collection, call)])
            record, response = await bound.execute(call)
        else:
            record, response = await pipeline.execute(call)
        change.keep_in_step(pipeline.auth_store, record)
        return decode_from(response.url, response.status_code, record, change.decode)
