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


async def isolated(work: Awaitable[T]) -> T:
    """Await `work` in a task of its own, which has ended when this returns or raises."""
    loop = asyncio.get_running_loop()
    scope, ended = anyio.CancelScope(), loop.create_future()
    cancelled: list[BaseException] = []

    async def run() -> T:
        with scope:
            try:
                return await work
            except asyncio.CancelledError as error:
                cancelled.append(error)
                raise
        raise asyncio.CancelledError

    def note_end(_: "asyncio.Task[T]") -> None:
        if not ended.done():
            ended.set_result(None)

    task = loop.create_task(run())
    task.add_done_callback(note_end)
    try:
        await ended
    except asyncio.CancelledError as error:
        scope.cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # or asyncio says that nobody asked for it
        error.__context__ = next(iter(cancelled), None)  # its traceback tells what was waited for
        raise
    return task.result()


@asynccontextmanager
async def answered(request: Awaitable["httpx2.Response"]) -> AsyncGenerator["httpx2.Response", None]:
    """Await a response, and close it at the end of the block."""
    answers: list[httpx2.Response] = []

    async def receive() -> None:
        answers.append(await request)

    try:
        await isolated(receive())
        yield answers[0]
    finally:
        for answer in answers:
            await isolated(answer.aclose())
