"""Await the coroutines of the library without losing a cancellation or a result.

The library works in a thread of its own. When one of its coroutines is cancelled at the moment at which its result
arrives, the coroutine may return the result and forget the cancellation, or raise the cancellation and forget the
result, which is an open response. So a cancellation is not passed on to the coroutine. The caller gets it at once, and
the coroutine is continued by callbacks of the event loop until it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from pocketbase_core.transport import running_loop

T = TypeVar("T")
_FAILURES = (Exception, asyncio.CancelledError)
"""The exceptions of a request. The second one comes from its body, if the body was cancelled."""


class Uncancelled(Generic[T]):
    """An awaitable for a coroutine of the library.

    Args:
        awaitable: The coroutine.
        unfinished: A set that contains this object until the coroutine ends. None: the coroutine ends with a
            cancellation of the caller.
        on_late_result: Called with a result that arrives after a cancellation.
    """

    __slots__ = ("_coroutine", "_future", "_is_closed", "_on_late_result", "_unfinished", "is_late")

    def __init__(
        self,
        awaitable: Awaitable[T],
        unfinished: "set[Uncancelled[Any]] | None" = None,
        on_late_result: Callable[[T], object] = id,
    ) -> None:
        self._coroutine = cast(Coroutine[Any, None, T], awaitable)
        self._unfinished = unfinished
        self._on_late_result = on_late_result
        self._future: Any = None
        self._is_closed = False
        self.is_late = False
        """True once the caller was cancelled."""

    def __await__(self) -> Generator[Any, None, T]:
        unfinished, send = self._unfinished, self._coroutine.send
        if unfinished is not None:
            unfinished.add(self)
        try:
            while True:
                self._future = send(None)
                try:
                    yield self._future
                except GeneratorExit:  # the loop is closed
                    self.end()
                    raise
                except BaseException:
                    self.is_late = unfinished is not None
                    if self.is_late:
                        self._continue()
                    else:
                        self._coroutine.close()
                    raise
                if self._is_closed:
                    raise ConnectionAbortedError("the transport was closed")
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            if unfinished is not None and not self.is_late:
                unfinished.discard(self)

    def end(self) -> None:
        """End the coroutine. Whoever awaits it gets a `ConnectionAbortedError`.

        The library forgets a result that arrives later.
        """
        self._forget()
        self._is_closed = True
        try:
            self._coroutine.send(None)
        except StopIteration as end:
            self._on_late_result(end.value)
        except _FAILURES:
            pass
        self._coroutine.close()
        if self._future is not None and not self._future.done():
            with suppress(RuntimeError):  # the loop is closed
                self._future.set_result(None)

    def _continue(self, *_: object) -> None:
        if self._is_closed:
            return
        try:
            future = self._coroutine.send(None)
        except StopIteration as end:
            self._forget()
            self._on_late_result(end.value)
        except _FAILURES:
            self._forget()
        else:
            if future is None:
                running_loop().call_soon(self._continue)
            else:
                future.add_done_callback(self._continue)

    def _forget(self) -> None:
        if self._unfinished is not None:
            self._unfinished.discard(self)
