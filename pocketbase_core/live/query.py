"""A live query, as the user sees it."""

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from ..faces import AsyncFace, method
from ..models.decoders import Decoder
from ..pipeline import Pipeline
from ..realtime.service import Realtime
from .changes import LiveChange
from .consumers import ChangeCallback, ChangeIterator
from .driver import Driver
from .item import Item, Transition
from .mirror import Mirror
from .plan import Plan

T = TypeVar("T")


class LiveItems(Sequence[T]):
    """The records of a live query in the order of the server, as they are at each moment. It cannot be changed.

    Args:
        take: Returns the present items.
    """

    __slots__ = ("_take",)

    def __init__(self, take: Callable[[], list[Item[T]]]) -> None:
        self._take = take

    def __len__(self) -> int:
        return len(self._take())

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        found = self._take()[index]
        return found.record if isinstance(found, Item) else [item.record for item in found]

    def __iter__(self) -> Iterator[T]:
        return iter([item.record for item in self._take()])  # the list may change between two steps

    def __reversed__(self) -> Iterator[T]:
        return reversed([*self])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - of anything

    def __repr__(self) -> str:
        return repr([*self])


class LiveMethods(Generic[T]):
    """The methods of a live query that wait for the server."""

    _driver: Driver[T] | None = None

    @method
    async def refresh(self) -> None:
        """Read the whole list again, and return once `items` has the result.

        Raises:
            PocketBaseError: If the request fails. It is repeated by itself.
            RuntimeError: If the live query is not in use.
        """
        if self._driver is None or not self._driver.is_running:
            raise RuntimeError("the live query is not in use: call refresh inside of its `async with` block")
        await self._driver.refresh()


class LiveQuery(LiveMethods[T], AsyncFace):
    """A list of records that is kept as the server has it: `async with posts.live() as live`.

    Iterate over it for the changes since the block began. The changes of a record between two reads are merged to one,
    so a slow reader gets fewer changes, and never too old ones.

    Args:
        plan: What to read.
        pipeline: Sends the requests.
        realtime: Has the subscriptions.
        decode: Turns a record into what the user gets.
    """

    def __init__(self, plan: Plan, pipeline: Pipeline, realtime: Realtime, decode: Decoder[T]) -> None:
        self._plan = plan
        self._pipeline = pipeline
        self._realtime = realtime
        self._mirror: Mirror[T] = Mirror(plan.sort_keys, plan.paths, _without_id(decode) if plan.removes_id else decode)
        self._iterator: ChangeIterator[T] | None = None
        self._callbacks: list[ChangeCallback[T]] = []
        self._items = LiveItems(lambda: self._mirror.items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._plan.collection!r}, {len(self)} items)"

    def __len__(self) -> int:
        return len(self._mirror.items)

    def __bool__(self) -> bool:
        return True

    @property
    def items(self) -> Sequence[T]:
        """The records in the order of the server: a read-only view, which is always up to date."""
        return self._items

    def items_taken_by(self, call: Callable[[Callable[[], list[Item[T]]]], list[Item[T]]]) -> LiveItems[T]:
        """Return `items` for another thread, which calls the functions that it is passed on the thread of the loop."""
        return LiveItems(lambda: call(lambda: [*self._mirror.items]))

    def get(self, record_id: str) -> T | None:
        """Return the record with this id; None if the list has none."""
        item = self._mirror.get(record_id)
        return None if item is None else item.record

    @property
    def is_current(self) -> bool:
        """True if `items` lacks nothing but changes that are on their way.

        False from the loss of a connection, or of the user's session, until everything has been read again.
        """
        return self._driver is not None and self._driver.is_current

    @property
    def error(self) -> Exception | None:
        """The reason why `items` is not current, if a request has failed. The request is repeated by itself."""
        return None if self._driver is None else self._driver.error

    def on_change(self, callback: Callable[[LiveChange[T]], object], immediately: bool = False) -> Callable[[], None]:
        """Call `callback(change)` for each change from now on, one after the other.

        The changes of a record that happen while the callback runs are merged to one. What the callback raises is
        logged.

        Args:
            callback: A function or coroutine function. The next change waits until a coroutine has ended.
            immediately: Whether to call the function at first with an `"add"` for each present record.

        Returns:
            A function that removes the callback.
        """
        if not callable(callback):
            raise TypeError(f"callback must be a function, not {callback!r}")
        consumer = ChangeCallback(callback, self._realtime.tasks)
        self._callbacks.append(consumer)
        if immediately:
            consumer.note([Transition(item.key, None, item) for item in self._mirror.items])

        def remove() -> None:
            if consumer in self._callbacks:
                self._callbacks.remove(consumer)
                consumer.cancel()

        return remove

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LiveChange[T]:
        if self._iterator is None:
            raise RuntimeError("the live query is not in use: iterate inside of its `async with` block")
        return await self._iterator.next()

    async def __aenter__(self) -> Self:
        if self._driver is not None:
            raise RuntimeError("a live query can be entered once; call `live` again")
        self._driver = driver = Driver(
            self._plan, self._pipeline, self._realtime, self._mirror, self._publish, self._end
        )
        try:
            await driver.start()
        except BaseException:
            await self._close_callbacks()
            raise
        self._iterator = ChangeIterator()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._driver is not None, "the block was entered"
        try:
            await self._driver.stop()
        finally:
            await self._close_callbacks()

    def _publish(self, transitions: list[Transition[T]]) -> None:
        if self._iterator is not None:
            self._iterator.note(transitions)
        for each in [*self._callbacks]:
            each.note(transitions)

    def _end(self) -> None:
        if self._iterator is not None:
            self._iterator.end()
        for each in self._callbacks:
            each.end()

    async def _close_callbacks(self) -> None:
        self._end()
        for each in self._callbacks:
            each.cancel()
        for each in [*self._callbacks]:
            await each.aclose()


def _without_id(decode: Decoder[T]) -> Decoder[T]:
    """Return a decoder of records whose id the user did not ask for."""

    def decode_without_id(raw: dict[str, Any]) -> T:
        return decode({name: value for name, value in raw.items() if name != "id"})

    return decode_without_id
