"""Run the user's functions on threads that may block."""

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sized
from contextlib import suppress
from contextvars import copy_context
from functools import wraps
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from ..concurrency.event_loops import CLOSE_TIMEOUT
from ..messages import Request, Response
from ..middleware import AfterSend, BeforeSend, Handler, Middleware
from ..middleware.chain import is_ready_made, middleware_name
from .call import Job, current_call, invoke

T = TypeVar("T")
_logger = logging.getLogger("pocketbase_core")
ROWS_AT_ONCE = 100
"""Rows that are taken from an iterator in one go."""


def is_asynchronous(function: object) -> bool:
    """Return whether a function or object is called as a coroutine function."""
    call = inspect.getattr_static(type(function), "__call__", None)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


async def run_job(put: Callable[[Job], object], function: Callable[..., T], *arguments: Any) -> T:
    """Have a function run on another thread, in the context of this task, and return its result.

    Args:
        put: Passes a job to the thread.
        function: The function.
        arguments: The arguments of the function.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    future: asyncio.Future[T] = loop.create_future()

    def job() -> None:
        try:
            result = context.run(function, *arguments)
        except (KeyboardInterrupt, SystemExit) as error:
            ended = RuntimeError(f"a function raised {type(error).__name__}")
            pass_on(lambda: future.set_exception(ended))
            raise
        except StopIteration as error:  # a future does not accept this exception
            wrapped = RuntimeError("a StopIteration was raised in a callback")
            wrapped.__cause__ = error
            pass_on(lambda: future.set_exception(wrapped))
        except BaseException as error:
            failure = error
            pass_on(lambda: future.set_exception(failure))
        else:
            pass_on(lambda: future.set_result(result))

    def pass_on(set_outcome: Callable[[], object]) -> None:
        try:
            loop.call_soon_threadsafe(lambda: None if future.done() else set_outcome())
        except RuntimeError:  # the loop is closed by now
            return

    put(job)
    result = await future
    if inspect.isawaitable(result):  # of a lambda that calls a coroutine function
        awaited: T = await result
        return awaited
    return result


async def run_on_calling_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function on the thread that waits for this call; on a new one if no thread waits for it any more."""
    call = current_call.get()
    if call is None or call.is_done:
        return await run_job(_start_thread, function, *arguments)
    return await run_job(call.put, function, *arguments)


def _start_thread(job: Job) -> None:
    threading.Thread(target=job, name="pocketbase-callback", daemon=True).start()


def on_calling_thread(function: Any) -> Any:
    """Return a function as a coroutine function that runs it on the calling thread."""
    if not callable(function) or is_asynchronous(function):
        return function

    @wraps(function, updated=())
    async def run(*arguments: Any) -> Any:
        return await run_on_calling_thread(function, *arguments)

    return run


def as_middleware(middleware: Middleware) -> Middleware:
    """Return a middleware as a coroutine function; a blocking one runs on the calling thread."""
    if isinstance(middleware, (BeforeSend, AfterSend)):
        return type(middleware)(on_calling_thread(middleware.hook))
    if is_ready_made(middleware) or is_asynchronous(middleware):
        return middleware

    async def run(request: Request, call_next: Handler) -> Response:
        call, context = current_call.get(), copy_context()
        assert call is not None, "the middleware belongs to a call"

        def call_next_and_wait(request: Request) -> Any:
            if call.portal.is_current:  # the middleware is not a coroutine function, but returns the result of one
                return call_next(request)
            # A thread that the middleware has started has a context of its own.
            own = context.copy() if current_call.get() is None else None
            return call.portal.run(invoke(call_next, request), own)

        response: object = await run_on_calling_thread(middleware, request, call_next_and_wait)
        if not isinstance(response, Response):
            raise TypeError(
                f"the middleware {middleware_name(middleware)} must return a Response, such as "
                f"`return call_next(request)`; it returned {type(response).__name__}"
            )
        return response

    return run


def as_async_iterable(rows: Any, at_once: int = ROWS_AT_ONCE) -> Any:
    """Return a blocking iterable as an asynchronous one, whose items are taken on the calling thread.

    Args:
        rows: The iterable. Anything else is returned as it is, and so is a list.
        at_once: The number of items to take in one go.
    """
    if isinstance(rows, (Sized, AsyncIterable)) or not isinstance(rows, Iterable):
        return rows  # pyright: ignore[reportUnknownVariableType] - of anything
    return _iterate(rows, at_once)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of anything


async def _iterate(rows: Iterable[Any], at_once: int) -> AsyncGenerator[Any, None]:
    iterator = iter(rows)
    while items := await run_on_calling_thread(lambda: [*islice(iterator, at_once)]):
        for item in items:
            yield item


class CallbackThread:
    """The thread that calls the functions which a client's user has subscribed, one after the other."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pocketbase-callbacks", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Run a job after those that were put before."""
        self._jobs.put(job)

    def end(self) -> None:
        """End the thread after the jobs that were put so far."""
        self._jobs.put(None)

    def stop(self) -> None:
        """End the thread, and wait for that for a moment."""
        self.end()
        if self._thread is threading.current_thread():
            return
        self._thread.join(CLOSE_TIMEOUT)
        if self._thread.is_alive():
            _logger.warning("a callback is still running; closing does not wait for it any longer")

    def _run(self) -> None:
        while job := self._jobs.get():
            with suppress(KeyboardInterrupt, SystemExit):  # which concern this thread alone, and are logged
                job()
            del job  # which refers to the client
