"""The blocking face of live queries."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from ..live.changes import LiveChange
from ..live.query import LiveMethods
from ..live.query import LiveQuery as AsyncLiveQuery
from .call import invoke
from .face import BlockingService, converters
from .lease import Lease
from .streams import Block, next_item

R = TypeVar("R")
T = TypeVar("T")


class LiveQuery(BlockingService, LiveMethods[T]):
    """A list of records that is kept as the server has it: `with posts.live() as live`.

    Iterate over it for the changes since the block began. The changes of a record between two reads are merged to one,
    so a slow reader gets fewer changes, and never too old ones.
    """

    def __init__(self, lease: Lease, query: AsyncLiveQuery[T]) -> None:
        super().__init__(lease)
        self._query = query
        self._block: Block | None = None
        self._items = query.items_taken_by(self._call)

    def __repr__(self) -> str:
        return repr(self._query)

    def __len__(self) -> int:
        return len(self._query)

    def __bool__(self) -> bool:
        return True

    @property
    def items(self) -> Sequence[T]:
        """The records in the order of the server: a read-only view, which is always up to date."""
        return self._items

    def get(self, record_id: str) -> T | None:
        """Return the record with this id; None if the list has none."""
        return self._call(lambda: self._query.get(record_id))

    @property
    def is_current(self) -> bool:
        """True if `items` lacks nothing but changes that are on their way; see `pocketbase_core.LiveQuery`."""
        return self._block is not None and not self._block.is_gone and self._query.is_current

    @property
    def error(self) -> Exception | None:
        """The reason why `items` is not current, if a request has failed. The request is repeated by itself."""
        return self._query.error

    def on_change(self, callback: Callable[[LiveChange[T]], object], immediately: bool = False) -> Callable[[], None]:
        """Call `callback(change)` for each change from now on, one after the other, on the thread for callbacks.

        The changes of a record that happen while the callback runs are merged to one. What the callback raises is
        logged.

        Args:
            callback: A function.
            immediately: Whether to call the function at first with an `"add"` for each present record.

        Returns:
            A function that removes the callback.
        """
        adapted = self._lease.on_callback_thread(callback)
        remove = self._call(lambda: self._query.on_change(adapted, immediately))
        return lambda: self._call(remove)

    def next(self, timeout: float | None = None) -> LiveChange[T]:
        """Wait for the next change, and return it.

        Args:
            timeout: The longest wait in seconds; None waits for as long as it takes.

        Raises:
            TimeoutError: If there was no change in time. Nothing is lost by that.
            StopIteration: If no changes come any more.
        """
        if self._block is None:
            raise RuntimeError("the live query is not in use: iterate inside of its `with` block")
        return next_item(self._block, self._query.__anext__, timeout)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LiveChange[T]:
        return self.next()

    def __enter__(self) -> Self:
        block = Block(self._lease)
        block.run(invoke(self._query.__aenter__))
        self._block, self._driver = block, self._query._driver
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._block is not None:
            self._block.leave(self._query.__aexit__, exc_type, error, traceback)

    def _call(self, function: Callable[[], R]) -> R:
        """Call a function on the portal, whose thread changes the list."""
        return function() if self._block is None else self._block.call(function)


converters[AsyncLiveQuery] = LiveQuery
