"""The task that keeps the list of a live query up to date.

`LiveState` decides what is read next, `ListReader` reads it, and `Mirror` applies it to the list. The driver connects
the three, one request at a time, and hands on the changes.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from ..auth.store import sign_in_of
from ..concurrency.background_tasks import wait_until_done
from ..errors import is_rejection, log_text
from ..pipeline import Pipeline
from ..realtime.service import Realtime
from .events import EventNotes
from .item import Transition
from .mirror import Mirror
from .plan import MAX_IDS, PAGE_SIZE, Plan
from .reader import ListReader, sees_nothing
from .relations import Related, related_collections
from .state import LiveState, ReadAll, ReadChanges, ReadOrder, ReadRecords, Wait
from .topics import Topics

T = TypeVar("T")
_Read = ReadAll | ReadChanges | ReadRecords | ReadOrder
_logger = logging.getLogger("pocketbase_core")


class Driver(Generic[T]):
    """Reads the list, and reads again what events name.

    Args:
        plan: What to read.
        pipeline: Sends the requests.
        realtime: Has the subscriptions and the task.
        mirror: The list.
        publish: Called with the changes of the list.
        on_end: Called when nothing is read any more.
    """

    def __init__(
        self,
        plan: Plan,
        pipeline: Pipeline,
        realtime: Realtime,
        mirror: Mirror[T],
        publish: Callable[[list[Transition[T]]], None],
        on_end: Callable[[], None],
    ) -> None:
        self.error: Exception | None = None
        """The reason why the list is not current, if a request has failed or the subscriptions have ended."""
        self._plan = plan
        self._pipeline = pipeline
        self._tasks = realtime.tasks
        self._mirror = mirror
        self._publish = publish
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._state = LiveState(asks_by_id=plan.asks_by_id)
        self._reader = ListReader(plan, pipeline)
        self._wake = asyncio.Event()
        self._events = EventNotes(plan, mirror, self._state, self._reader, self._wake, self._end)
        self._topics = Topics(plan, realtime, pipeline.json_loads, self._events)
        self._refreshing: list[asyncio.Future[None]] = []
        """The calls of `refresh` that wait for a reading that has not begun."""
        self._sign_in = ""
        """The sign-in as which the list was read."""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """True if the list is being kept up to date."""
        return self._task is not None and not self._task.done()

    @property
    def is_current(self) -> bool:
        """True if nothing is missing but changes that are on their way."""
        return self.is_running and self._state.is_current

    async def start(self) -> None:
        """Subscribe, read the list, and start the task.

        Raises:
            PocketBaseError: If a request fails.
            ValueError: If the collection is a view, and no other collection is watched.
        """
        plan = self._plan
        try:
            await self._topics.add(Related(each, frozenset()) for each in (plan.collection, *plan.watched))
            await self._topics.add(self._related(await self._reader.probe()))
            while not await self._read(ReadAll()):
                pass
            if self.error is not None:  # the subscriptions have ended meanwhile
                raise self.error
        except BaseException:
            await self._topics.close()
            raise
        self._task = self._tasks.create(self._run(), "live query")
        self._task.add_done_callback(self._finish)  # a task that is cancelled at once never runs

    async def stop(self) -> None:
        """End the task and the subscriptions."""
        try:
            if self._task is not None:
                self._task.cancel()
                await wait_until_done(self._task)
        finally:
            await self._topics.close()

    async def refresh(self) -> None:
        """Read the whole list, and wait for that."""
        refreshed: asyncio.Future[None] = self._loop.create_future()
        self._refreshing.append(refreshed)
        self._state.note_refresh(self._loop.time())
        self._wake.set()
        await refreshed

    def _end(self, error: Exception) -> None:
        """End the task, because no events come any more."""
        self.error = error
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            mirror = self._mirror
            if self._has_other_user:
                self._state.note_other_user(self._loop.time())
            action = self._state.next_action(
                self._loop.time(),
                length=len(mirror.items),
                order_is_certain=mirror.order_is_certain,
                can_read_changes=self._events.complete_until is not None,
            )
            if not isinstance(action, Wait):
                await self._try(action)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(action.until):
                    await self._wake.wait()

    def _finish(self, _: "asyncio.Task[None]") -> None:
        _finish(self._refreshing, RuntimeError("the live query has ended"))
        self._on_end()

    async def _try(self, action: _Read) -> None:
        """Perform an action, and finish the calls of `refresh` that it serves."""
        refreshing = self._refreshing if isinstance(action, ReadAll) else []
        if refreshing:
            self._refreshing = []
        try:
            is_done = await self._read(action)
        except Exception as error:
            self._fail(error)
            _finish(refreshing, error)
        except BaseException:
            self._refreshing += refreshing
            raise
        else:
            self.error = None
            if is_done:
                _finish(refreshing)
            else:
                self._refreshing += refreshing

    async def _read(self, action: _Read) -> bool:
        """Send the requests of an action, and apply the result. Return False if the result is another user's."""
        began_at, sign_in = self._loop.time(), sign_in_of(self._pipeline.auth_store)
        self._state.begin(action)
        self._events.begin_request()
        records: list[dict[str, Any]] = []
        apply: Callable[[], list[Transition[T]]]
        match action:
            case ReadAll():
                try:
                    records, in_order, is_snapshot = await self._reader.read_all(lambda: self._state.ids)
                except Exception as error:
                    if sees_nothing(error) or (self._has_other_user and is_rejection(error)):
                        self._publish(self._mirror.replace([], in_order=True, is_snapshot=True))
                    raise
                apply = partial(self._mirror.replace, records, in_order=in_order, is_snapshot=is_snapshot)
            case ReadChanges():
                since = self._events.complete_until
                assert since is not None, "can_read_changes says so"
                ids, records = await self._reader.read_changes(self._mirror.ids, since)
                apply = partial(self._mirror.apply, ids, records, ())
            case ReadRecords(ids, created):
                asked, records = await self._reader.read_some(ids)
                for each in ids[len(asked) :]:
                    self._state.note_event(each, began_at, created=each in created)
                apply = partial(self._mirror.apply, asked, records, created)
            case _:
                apply = await self._read_order()
        if sign_in_of(self._pipeline.auth_store) != sign_in:
            self._state.note_other_user(self._loop.time())
            return False
        self._publish(apply())
        self._sign_in = sign_in if isinstance(action, ReadAll) else self._sign_in
        self._events.end_request()
        if isinstance(action, ReadAll | ReadChanges) and not self._mirror.order_is_certain:
            (await self._read_order())()  # before the list counts as current
        self._state.succeed(action, began_at, self._loop.time())
        if self._state.is_current:
            self._events.complete_until = None
        if await self._topics.add(self._related(records)):
            self._state.note_unknown(self._loop.time())
        return True

    def _fail(self, error: Exception) -> None:
        if str(self.error) != str(error):
            _logger.warning("a live query of %r failed: %s", self._plan.collection, log_text(error))
        self.error = error
        self._state.fail(self._loop.time(), random.random())

    @property
    def _has_other_user(self) -> bool:
        """True if somebody has signed in since the list was read, or the user has signed out."""
        return sign_in_of(self._pipeline.auth_store) != self._sign_in

    async def _read_order(self) -> Callable[[], list[Transition[T]]]:
        """Read ids in order, and return a function that sorts the list so."""
        mirror, reader = self._mirror, self._reader
        by_row = reader.sorts_by_row and mirror.sorts_by_fields and len(mirror.items) > PAGE_SIZE
        equals = mirror.unplaced_ids(MAX_IDS) if by_row else None
        if equals is not None and (ids := await reader.read_order_of(equals)) is not None:
            return partial(self._set_order, ids, mirror.set_order_of_equals)
        return partial(self._set_order, await reader.read_order(by_row=by_row), mirror.set_order)

    def _set_order(self, ids: list[str], set_order: Callable[[list[str]], bool]) -> list[Transition[T]]:
        if not set_order(ids):
            self._state.note_other_order(self._loop.time())
        return []

    def _related(self, records: list[dict[str, Any]]) -> set[Related]:
        """Return the collections that records show, unless the caller watches them."""
        paths = self._plan.paths
        found = {each for record in records for each in related_collections(record, paths)} if paths else set[Related]()
        return {each for each in found if each.collection not in self._plan.watched}


def _finish(refreshing: "list[asyncio.Future[None]]", error: Exception | None = None) -> None:
    for each in refreshing:
        if each.done():  # its caller was cancelled
            continue
        if error is None:
            each.set_result(None)
        else:
            each.set_exception(error)
