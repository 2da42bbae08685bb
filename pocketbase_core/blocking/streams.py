"""Blocks, events and streamed responses, which stay open for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..messages import Headers
from ..peer_names import AnswersPeerNames
from ..ports import StreamedResponse as AsyncStreamedResponse
from ..realtime.event_queue import Gap
from ..realtime.subscription import EventStream as AsyncEventStream
from ..services.flows.pagination import RecordIterator as AsyncRecordIterator
from .call import invoke
from .lease import Lease
from .portal import check_no_running_loop

T = TypeVar("T")


class Block:
    """The part of a program in which something is open on the portal.

    All tasks for it run in the same context, because the context variables that entering the block sets are reset when
    it ends.

    Args:
        lease: The client's claim to the portal.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._portal = lease.portal()
        self._context: Context = copy_context()

    @property
    def is_gone(self) -> bool:
        """True if the client was closed, or this is another process."""
        return self._lease.is_closed or self._portal.is_gone

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the portal, and return its value.

        Raises:
            RuntimeError: If the client was closed, or this is another process.
        """
        try:
            self.check()
        except RuntimeError:
            coroutine.close()
            raise
        return self._portal.run(coroutine, self._context)

    def check(self) -> None:
        """Check that the caller may use what is open.

        Raises:
            RuntimeError: If the client was closed, or this is another process, or an event loop is running here.
        """
        check_no_running_loop()
        if self.is_gone:
            raise RuntimeError("this was opened by a client that is closed, or in another process")

    def call(self, function: Callable[[], T]) -> T:
        """Call a function that does not wait on the portal's thread; if the portal has ended, here."""
        if self._portal.is_gone:
            return function()

        async def call() -> T:
            return function()

        check_no_running_loop()
        return self._portal.run(call(), self._context)

    def leave(self, function: Callable[..., Awaitable[object]], *error: object) -> None:
        """Call the `__aexit__` of what is open, also if the client was closed, but not if the portal has ended."""
        if not self._portal.is_gone:
            self._portal.run(invoke(function, *error), self._context)


class BlockingContext(AbstractContextManager[T]):
    """A context manager that enters and leaves an asynchronous one on the portal.

    Args:
        lease: The client's claim to the portal.
        context: The asynchronous context manager.
        wrap: Makes the value of the block of that of the asynchronous one.
    """

    def __init__(
        self, lease: Lease, context: AbstractAsyncContextManager[Any], wrap: Callable[[Block, Any], T]
    ) -> None:
        self._lease = lease
        self._context = context
        self._wrap = wrap
        self._block: Block | None = None

    def __enter__(self) -> T:
        if self._block is not None:
            raise RuntimeError("this can be entered once; call the method again")
        self._block = block = Block(self._lease)
        return self._wrap(block, block.run(invoke(self._context.__aenter__)))

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._block is not None:
            self._block.leave(self._context.__aexit__, exc_type, error, traceback)


class EventStream(AnswersPeerNames, Generic[T]):
    """An iterator over the messages of a topic, with a `Gap` where some may be missing.

    The iterator ends when the subscription does. Only one thread at a time may iterate.
    """

    def __init__(self, block: Block, events: AsyncEventStream[T]) -> None:
        self._block = block
        self._events = events

    def __repr__(self) -> str:
        return repr(self._events)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T | Gap:
        return self.next()

    def next(self, timeout: float | None = None) -> T | Gap:
        """Wait for the next message or gap, and return it.

        Args:
            timeout: The longest wait in seconds; None waits for as long as it takes. 0 returns only what has arrived.

        Raises:
            TimeoutError: If nothing has arrived in time. Nothing is lost by that.
            StopIteration: If the subscription has ended.
        """
        self._block.check()
        try:
            item = self._events.take_item()  # without the loop, which would take several times as long
        except IndexError:
            item = next_item(self._block, self._events.wait_for_item, timeout)
        return self._events.decode_item(item)


def next_item(block: Block, get_next: Callable[[], Awaitable[T]], timeout: float | None) -> T:
    """Return the next item of an asynchronous iterator.

    Args:
        block: Where the iterator is open.
        get_next: Returns the next item, as `__anext__` does.
        timeout: The longest wait in seconds; None waits for as long as it takes.

    Raises:
        TimeoutError: If there was none within the timeout in seconds.
        StopIteration: If the iterator has ended.
    """
    try:
        return block.run(_next_item(get_next, timeout))
    except StopAsyncIteration:
        raise StopIteration from None


async def _next_item(get_next: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    if seconds is None:
        return await get_next()
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await get_next()
    except TimeoutError:
        if not limit.expired():  # the source has raised the error
            raise
        raise TimeoutError(f"nothing has arrived within {seconds:g} s") from None


class StreamedResponse(AnswersPeerNames):
    """A response whose body is read as it arrives."""

    def __init__(self, block: Block, response: AsyncStreamedResponse) -> None:
        self._block = block
        self._response = response

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    @property
    def headers(self) -> Headers:
        """The response's headers."""
        return self._response.headers

    def iter_bytes(self) -> Iterator[bytes]:
        """Iterate over the decompressed body in chunks.

        Raises:
            PocketBaseTransportError: If the connection breaks, or no byte arrives within the timeout.
            PocketBaseDecodeError: If the body cannot be decompressed.
        """
        chunks = self._response.aiter_bytes()
        with suppress(StopIteration):
            while True:
                yield next_item(self._block, chunks.__anext__, None)


class RecordIterator(Iterator[T]):
    """The records of all pages, of which one at a time is in memory."""

    def __init__(self, lease: Lease, records: AsyncRecordIterator[T]) -> None:
        self._lease = lease
        self._records = records
        self._page: Iterator[T] = iter(())

    def __next__(self) -> T:
        while True:
            for record in self._page:
                return record
            try:
                self._page = iter(self._lease.run(self._records.next_page()))
            except StopAsyncIteration:
                raise StopIteration from None

    def close(self) -> None:
        """End the iteration."""
        self._page = iter(())
        self._lease.run(self._records.aclose())
