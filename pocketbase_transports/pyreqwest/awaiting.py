"""Await the coroutines of the library without losing a cancellation or a result.

The library works in a thread of its own. When one of its coroutines is cancelled at the moment at which its result
arrives, the coroutine may return the result and forget the cancellation, or raise the cancellation and forget the
result, which is an open response. So a cancellation is not passed on to the coroutine. The caller gets it at once, and
the coroutine is continued by callbacks of the event loop until it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar, cast

from pocketbase_core.transport import running_loop

T = TypeVar("T")


class Uncancelled(Generic[T]):
    """An awaitable for a coroutine of the library.

    Args:
        awaitable: The coroutine.
        on_late_result: Called with a result that arrives after a cancellation. None: the coroutine ends with the
            cancellation.
    """

    __slots__ = ("_coroutine", "_future", "_is_closed", "_on_late_result")

    def __init__(self, awaitable: Awaitable[T], on_late_result: Callable[[T], None] | None = None) -> None:
        self._coroutine = cast(Coroutine[Any, None, T], awaitable)
        self._on_late_result = on_late_result
        self._future: Any = None
        self._is_closed = False

    def close(self) -> None:
        """Close the coroutine. Whoever awaits it gets a `ConnectionAbortedError`."""
        self._is_closed = True
        self._coroutine.close()
        if self._future is not None and not self._future.done():
            with suppress(RuntimeError):  # the loop is closed
                self._future.set_result(None)

    def __await__(self) -> Generator[Any, None, T]:
        send = self._coroutine.send
        while True:
            try:
                future = send(None)
            except StopIteration as end:
                result: T = end.value
                return result
            self._future = future
            try:
                yield future
            except BaseException as error:
                if self._on_late_result is None or isinstance(error, GeneratorExit):
                    self._coroutine.close()
                else:
                    _continue(self._coroutine, self._on_late_result)
                raise
            if self._is_closed:
                raise ConnectionAbortedError("the transport was closed")


def _continue(coroutine: Coroutine[Any, None, T], on_result: Callable[[T], None], *_: object) -> None:
    """Continue a coroutine until it ends."""
    try:
        future = coroutine.send(None)
    except StopIteration as end:
        on_result(end.value)
    except (Exception, asyncio.CancelledError):  # the request has failed; it raises what its body has raised
        return
    else:
        step = partial(_continue, coroutine, on_result)
        if future is None:
            running_loop().call_soon(step)
        else:
            future.add_done_callback(step)
