"""Write a file in threads, one block while the next one is received."""

import asyncio

from .partial_file import PartialFile

BLOCK_SIZE = 1024 * 1024
"""Bytes that a thread writes at a time: a thread for each chunk would cost more than the chunk itself."""


class BlockWriter:
    """Collects chunks in a block, which a thread writes while the next chunks are collected in a second block.

    The chunks are copied, because new memory for each chunk costs the system more than the copy into memory that is
    used again. What a thread raises is raised by the method that waits for that thread.

    Args:
        part: The file.
    """

    def __init__(self, part: PartialFile) -> None:
        self._part = part
        self._block = memoryview(b"")
        self._spare = memoryview(b"")
        self._size = 0
        self._writing: asyncio.Future[None] | None = None

    async def add(self, chunk: bytes) -> None:
        """Append a chunk. Wait for the thread if both blocks are full.

        Raises:
            OSError: If the file cannot be written.
        """
        remaining = memoryview(chunk)
        while remaining:
            if self._size == len(self._block):
                await self._write_block()
            end = min(self._size + len(remaining), len(self._block))
            taken = end - self._size
            self._block[self._size : end] = remaining[:taken]
            remaining, self._size = remaining[taken:], end

    async def flush(self) -> None:
        """Write all chunks to the file.

        Raises:
            OSError: If the file cannot be written.
        """
        await self._write_block()
        await self._finish_writing()

    async def clear(self) -> None:
        """Forget all chunks, and empty the file.

        Raises:
            OSError: If the file cannot be written.
        """
        self._size = 0
        await self._finish_writing()
        await asyncio.to_thread(self._part.clear)

    async def _write_block(self) -> None:
        await self._finish_writing()
        block, size = self._block, self._size
        self._block, self._spare, self._size = self._spare or memoryview(bytearray(BLOCK_SIZE)), block, 0
        if size:
            loop = asyncio.get_running_loop()
            self._writing = loop.run_in_executor(None, self._part.write, block[:size])
            self._writing.add_done_callback(_retrieve)

    async def _finish_writing(self) -> None:
        if self._writing is not None:
            await self._writing
            self._writing = None


def _retrieve(writing: asyncio.Future[None]) -> None:
    """Keep asyncio from logging the exception of a thread that nobody waits for, as after a cancellation."""
    if not writing.cancelled():
        writing.exception()
