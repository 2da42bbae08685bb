"""Files that are written while they are received."""

import asyncio
import gc
import os
import random
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core.services.flows.block_writer import BLOCK_SIZE, BlockWriter
from pocketbase_core.services.flows.partial_file import PartialFile

BLOCK = b"x" * BLOCK_SIZE
TIMEOUT = 10


class SlowFile(PartialFile):
    """A file whose writes wait until they may go on."""

    def __init__(self, target: Path, failure: OSError | None = None) -> None:
        super().__init__(target)
        self.may_write = threading.Event()
        self.failure = failure

    def write(self, data: memoryview) -> None:
        assert self.may_write.wait(TIMEOUT)
        if self.failure is not None:
            raise self.failure
        super().write(data)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "a.bin"


async def turns() -> None:
    """Give every task that does not wait for a thread the time to end."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("sizes", [[0], [1, 2, 3], [BLOCK_SIZE], [BLOCK_SIZE + 1], [3 * BLOCK_SIZE, 1], []])
async def test_all_chunks_are_written_in_their_order(target: Path, sizes: list[int]) -> None:
    chunks = [os.urandom(size) for size in sizes or (random.randrange(300_000) for _ in range(30))]
    part = PartialFile(target)
    part.open()
    writer = BlockWriter(part)
    for chunk in chunks:
        await writer.add(chunk)
    await writer.flush()
    part.finish()
    assert target.read_bytes() == b"".join(chunks)


async def test_a_block_is_collected_while_the_one_before_is_written_and_no_further_one(target: Path) -> None:
    part = SlowFile(target)
    part.open()
    writer = BlockWriter(part)
    for chunk in (BLOCK, BLOCK):
        await asyncio.wait_for(writer.add(chunk), TIMEOUT)
    third = asyncio.create_task(writer.add(b"y"))
    await turns()
    assert not third.done(), "a third block is in memory"
    part.may_write.set()
    await third
    await writer.flush()
    part.finish()
    assert target.read_bytes() == BLOCK + BLOCK + b"y"


async def test_a_file_that_starts_over_has_nothing_of_what_was_collected_before(target: Path) -> None:
    part = SlowFile(target)
    part.open()
    writer = BlockWriter(part)
    await writer.add(BLOCK + b"old")
    clearing = asyncio.create_task(writer.clear())
    await turns()
    assert not clearing.done(), "the file is emptied while a thread still writes to it"
    part.may_write.set()
    await clearing
    await writer.add(b"new")
    await writer.flush()
    part.finish()
    assert target.read_bytes() == b"new"


METHODS: list[Callable[[BlockWriter], Coroutine[Any, Any, None]]] = [
    lambda writer: writer.add(BLOCK),
    BlockWriter.flush,
    BlockWriter.clear,
]


@pytest.mark.parametrize("method", METHODS)
async def test_the_error_of_a_thread_is_raised_by_the_next_method_that_needs_it(
    target: Path, method: Callable[[BlockWriter], Coroutine[Any, Any, None]]
) -> None:
    part = SlowFile(target, OSError("the disk is full"))
    part.may_write.set()
    writer = BlockWriter(part)
    await writer.add(BLOCK + b"x")
    with pytest.raises(OSError, match="the disk is full"):
        await method(writer)


async def test_an_error_that_nobody_waits_for_is_not_logged(target: Path, caplog: pytest.LogCaptureFixture) -> None:
    part = SlowFile(target, OSError("the disk is full"))
    writer = BlockWriter(part)
    await writer.add(BLOCK)
    flushing = asyncio.create_task(writer.flush())
    await turns()
    flushing.cancel()
    part.may_write.set()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    await asyncio.to_thread(lambda: None)
    await turns()
    del writer, flushing
    gc.collect()
    assert caplog.messages == []
