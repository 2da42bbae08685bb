"""The bodies of httpx are read ahead, in a task of their own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import pytest

from pocketbase_transports.httpx.isolation import run_isolated
from pocketbase_transports.httpx.reading import READ_AHEAD, BodyReader

TIMEOUT = 10


class Body:
    """A response of httpx whose chunks come when they are asked for, and which counts them."""

    is_stream_consumed = False

    def __init__(self, count: int = 0, end: Callable[[], Any] | None = None) -> None:
        self.given = 0
        self.is_closed = False
        self._count = count
        self._end = end

    async def aiter_raw(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.given < self._count:
                await asyncio.sleep(0)
                self.given += 1
                yield b"%d" % self.given
            if self._end is not None:
                await self._end()
        finally:
            self.is_closed = True


def reader_of(body: Any) -> BodyReader:
    return BodyReader(body)


async def turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def stall() -> None:
    await asyncio.get_running_loop().create_future()


async def test_the_chunks_come_in_order_and_end_with_an_empty_one() -> None:
    async with reader_of(Body(10)) as reader:
        assert [await reader.read() for _ in range(12)] == [*(b"%d" % number for number in range(1, 11)), b"", b""]


async def test_nothing_is_read_before_the_first_chunk_is_asked_for_and_no_more_than_a_few_chunks_ahead() -> None:
    body = Body(100)
    async with reader_of(body) as reader:
        await turns()
        assert body.given == 0
        for number in range(1, 4):
            await reader.read()
            await turns()
            assert body.given == number + READ_AHEAD, "a consumer that waits fills the memory"
    assert body.is_closed


async def test_a_read_that_is_cancelled_loses_no_chunk() -> None:
    arrived = asyncio.Event()
    body: Any = Body(0)

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"1"
        await arrived.wait()
        yield b"2"

    body.aiter_raw = chunks
    async with reader_of(body) as reader:
        assert await reader.read() == b"1"
        reading = asyncio.create_task(reader.read())
        await turns()
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        arrived.set()
        assert [await reader.read(), await reader.read()] == [b"2", b""]


async def test_an_error_comes_after_the_chunks_before_it_and_stays() -> None:
    async def fail() -> None:
        raise ConnectionResetError

    async with reader_of(Body(2, fail)) as reader:
        await reader.read()
        await turns()
        assert await reader.read() == b"2"
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await reader.read()


async def test_a_reading_task_that_is_cancelled_from_outside_is_not_the_end_of_the_body() -> None:
    body = Body(1, stall)
    before = asyncio.all_tasks()
    async with reader_of(body) as reader:
        await reader.read()
        (task,) = asyncio.all_tasks() - before
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader.read()
    assert body.is_closed


@pytest.mark.parametrize("has_read", [False, True])
async def test_after_the_block_no_task_is_left_and_the_body_is_at_its_end(has_read: bool) -> None:
    body, before = Body(1, stall), asyncio.all_tasks()
    async with reader_of(body) as reader:
        if has_read:
            await reader.read()
    assert asyncio.all_tasks() == before
    assert await asyncio.wait_for(reader.read(), TIMEOUT) == b""


async def test_a_block_that_is_cancelled_twice_waits_until_the_connection_is_closed() -> None:
    may_close, closed = asyncio.Event(), list[str]()

    async def close_slowly() -> None:
        try:
            await stall()
        finally:
            with anyio.CancelScope(shield=True):  # as httpcore does
                await may_close.wait()
            closed.append("closed")

    async def use() -> None:
        async with reader_of(Body(1, close_slowly)) as reader:
            await reader.read()
            await reader.read()

    task = asyncio.create_task(use())
    for _ in range(2):
        await turns()
        task.cancel()
    await turns()
    assert not task.done()
    may_close.set()
    await asyncio.wait([task])
    assert (task.cancelled(), closed) == (True, ["closed"])


async def test_an_error_of_work_that_is_cancelled_is_not_raised_in_place_of_the_cancellation() -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("no") from None

    task = asyncio.create_task(run_isolated(work()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
