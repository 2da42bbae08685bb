"""Tasks of their own for the library's work.

httpcore shields the end of a request from the cancellation of anyio, and not from that of asyncio: a task that is
cancelled just then leaves its connection in the pool for good, in use by nobody. So the caller may be cancelled at any
time, and a scope of anyio then cancels the task that does the work.
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
    """Await `work` in a task of its own, which has ended when this raises."""
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
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        error.__context__ = cancelled  # its traceback tells what was waited for
        raise


@asynccontextmanager
async def open_response(request: Awaitable["httpx2.Response"]) -> AsyncGenerator["httpx2.Response", None]:
    """Await a response, and close it at the end of the block."""
    answers: list[httpx2.Response] = []

    async def receive() -> None:
        answers.append(await request)

    try:
        await run_isolated(receive())
        yield answers[0]
    finally:
        for answer in answers:
            await run_isolated(answer.aclose())
