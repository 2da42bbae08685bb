"""Read the body of a response as it comes over the wire."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Self

import anyio

from .isolation import wait_until_done

if TYPE_CHECKING:
    import httpx2


READ_AHEAD = 4
"""The maximum number of chunks, of up to 64 KiB, that are received before they are asked for."""


def raw_chunks(response: "httpx2.Response") -> AsyncGenerator[bytes, None]:
    """Yield the body before its decompression, for which the library has no limit.

    If a hook of the client has read the body, the body is decompressed already, and the headers are changed to say so.
    """
    if not response.is_stream_consumed:
        return response.aiter_raw()
    if response.headers.pop("Content-Encoding", None) is not None:
        response.headers.pop("Content-Length", None)
    return response.aiter_bytes()


class BodyReader:
    """Reads the body of a response in a task of its own, for the reason that `isolation.py` names.

    The task starts with the first `read`, and reads up to `READ_AHEAD` chunks ahead. A task for each chunk, or one that
    waits until the next chunk is asked for, would need more time than the chunk.

    Args:
        response: The response, whose headers have been received.
    """

    def __init__(self, response: "httpx2.Response") -> None:
        self._chunks = raw_chunks(response)
        self._scope = anyio.CancelScope()
        self._task: asyncio.Task[None] | None = None
        self._unread = deque[bytes]()
        self._has_unread = asyncio.Event()
        """Set when there is a chunk to return, and at the end."""
        self._has_room = asyncio.Event()
        self._error: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._scope.cancel()
            await wait_until_done(self._task)
        await self._chunks.aclose()  # which has no effect but on chunks that nobody has read
        self._unread.clear()
        self._error = None

    async def read(self) -> bytes:
        """Return the next chunk. It is empty at the end of the body, and after the block."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        while not self._unread:
            if self._task.done():
                if self._error is not None:
                    raise self._error
                return b""
            self._has_unread.clear()
            await self._has_unread.wait()
        self._has_room.set()
        return self._unread.popleft()

    async def _run(self) -> None:
        with self._scope:
            try:
                async with aclosing(self._chunks) as chunks:
                    async for chunk in chunks:
                        self._unread.append(chunk)
                        self._has_unread.set()
                        if len(self._unread) == READ_AHEAD:
                            self._has_room.clear()
                            await self._has_room.wait()
            except BaseException as error:
                self._error = error
                if not isinstance(error, Exception):
                    raise
            finally:
                self._has_unread.set()
