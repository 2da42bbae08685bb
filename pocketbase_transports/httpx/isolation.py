"""Run the library's work in tasks of its own, so that a cancellation leaves no connection in use.

httpcore protects the end of a request from a cancellation by anyio, but not from one by asyncio: a task that is
cancelled at that moment leaves its connection in the pool forever, in use by no request. So the work is done by a
second task. When asyncio cancels the caller, a cancel scope of anyio cancels the second task, and the caller waits
until that task has ended.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


async def run_isolated(work: Awaitable[T]) -> T:
    """Await `work` in a task of its own. That task has ended when this function returns or raises."""
    loop = asyncio.get_running_loop()
    scope, cancelled = anyio.CancelScope(), None
    outcome: asyncio.Future[T] = loop.create_future()

    async def run() -> None:
        nonlocal cancelled
        try:
            with scope:
                try:
                    result = await work
                except asyncio.CancelledError as error:
                    cancelled = error
                    raise
                if not outcome.done():
                    outcome.set_result(result)
        except BaseException as error:
            if not outcome.done():
                outcome.set_exception(error)

    task = loop.create_task(run())
    try:
        return await outcome
    except asyncio.CancelledError as error:
        scope.cancel()
        await wait_until_done(task)
        error.__context__ = cancelled  # its traceback shows what was waited for
        raise


async def wait_until_done(task: asyncio.Task[None]) -> None:
    """Wait until a task has ended, however often the caller is cancelled meanwhile."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])


@asynccontextmanager
async def open_response(request: Awaitable["httpx2.Response"]) -> AsyncGenerator["httpx2.Response", None]:
    """Await a response, and close it at the end of the block."""
    responses: list[httpx2.Response] = []

    async def receive() -> None:
        responses.append(await request)

    try:
        await run_isolated(receive())
        yield responses[0]
    finally:
        for response in responses:
            await run_isolated(response.aclose())
