"""Run calls that may block forever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


async def run_in_daemon_thread(function: Callable[[], T]) -> T:
    """Call a function in a new daemon thread, and return its result.

    A read from a pipe may never return. A few such reads would occupy all threads of `asyncio.to_thread`, and the loop
    and the interpreter would wait for these threads at their end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = function()
        except StopIteration as error:  # a future does not accept this exception
            wrapped = RuntimeError("a StopIteration was raised in a thread")
            wrapped.__cause__ = error
            pass_on(future.set_exception, wrapped)
        except BaseException as error:
            pass_on(future.set_exception, error)
        else:
            pass_on(future.set_result, result)

    def pass_on(set_outcome: Callable[..., None], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(lambda: None if future.done() else set_outcome(outcome))

    threading.Thread(target=copy_context().run, args=(work,), name="pocketbase-file", daemon=True).start()
    return await future
