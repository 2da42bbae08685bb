"""Calls that may block forever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


async def run_in_daemon_thread(function: Callable[[], T]) -> T:
    """Call a function in a daemon thread of its own.

    A read from a pipe may never return. In the threads of `asyncio.to_thread`, a few such reads would leave none for
    anything else, and the end of the loop and of the interpreter would wait for them.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = function()
        except StopIteration as error:  # which a future refuses
            told = RuntimeError("a StopIteration was raised in a thread")
            told.__cause__ = error
            tell(future.set_exception, told)
        except BaseException as error:
            tell(future.set_exception, error)
        else:
            tell(future.set_result, result)

    def tell(settle: Callable[..., None], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(lambda: None if future.done() else settle(outcome))

    threading.Thread(target=copy_context().run, args=(work,), name="pocketbase-file", daemon=True).start()
    return await future
