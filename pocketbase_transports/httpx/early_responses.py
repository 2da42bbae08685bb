"""Reading while a large body is being written.

A server may answer before it has read the request, with 413 for example, and hang up. The system then breaks the
connection, and what was not read by then is lost. httpx writes all of the body first, and has no public way to read
meanwhile; so the stream of the connection is replaced for the time of the upload. Where httpx's insides are others,
nothing happens.
"""

import asyncio
import inspect
import re
from collections import deque
from collections.abc import AsyncIterator
from importlib import import_module
from math import inf
from types import FrameType
from typing import Any

from pocketbase_core.transport import Exchange

LARGE_BODY = 64 * 1024
"""Bytes that a socket takes at once, so that the answer is waited for before the server can have hung up."""
MAX_READ_WHILE_WRITING = 1024 * 1024
"""Bytes of an answer that are read meanwhile."""
_NOT_FINAL = re.compile(rb"(?:HTTP/1\.[01] 1\d\d.*?\r\n\r\n)*(?:.{0,9}|HTTP/1\.[01] 1(?:(?!\r\n\r\n).)*)", re.DOTALL)
"""The bytes that may come before a final response: others with a status of 1xx, and the beginning of a line."""


def is_large(exchange: Exchange) -> bool:
    """Return whether the body may take longer to write than the server needs to refuse it."""
    length = exchange.headers.get("Content-Length")
    return length is None or int(length) > LARGE_BODY


class WatchedBody(AsyncIterator[bytes]):
    """The chunks of a body. No more of them are written once the answer begins to come."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._has_begun = False

    async def __anext__(self) -> bytes:
        if not self._has_begun:
            self._has_begun = True
            length = self._exchange.headers.get("Content-Length")
            _read_while_writing(find_connection(inspect.currentframe()), inf if length is None else int(length))
        return await anext(self._exchange)


def find_connection(frame: FrameType | None) -> Any:
    """Find, in the frames below, the HTTP/1.1 connection that asks for a chunk of the body."""
    while frame is not None:
        if frame.f_code.co_name == "_send_request_body":
            connection = frame.f_locals.get("self")
            return connection if hasattr(connection, "_h11_state") else None
        frame = frame.f_back
    return None


def _read_while_writing(connection: Any, length: float) -> None:
    stream = getattr(connection, "_network_stream", None)
    if stream is not None:
        connection._network_stream = DuplexStream(connection, stream, length)


class DuplexStream:
    """A network stream that reads while it writes, until the body is written or the answer begins.

    httpcore passes a `timeout` in seconds, or None, to `write` and `read` by keyword.
    """

    def __init__(self, connection: Any, stream: Any, length: float) -> None:
        self._connection = connection
        self._stream = stream
        self._library = import_module(type(connection).__module__.partition(".")[0])
        self._received: deque[bytes] = deque()
        self._error: Exception | None = None
        self._answer = asyncio.get_running_loop().create_future()
        """Done when the final answer has begun, or the connection has ended."""
        self._news = asyncio.Event()
        self._left = length
        """Bytes of the body to be written."""
        self._reader = asyncio.create_task(self._read())

    async def write(self, buffer: bytes, **limits: float | None) -> None:
        if not buffer:
            return
        self._left -= len(buffer)
        if self._stream.get_extra_info("is_readable"):
            await asyncio.sleep(0)  # the reader comes first: a failing write would close the connection
        if not self._answer.done():
            writing = asyncio.create_task(self._stream.write(buffer, **limits))
            try:
                await asyncio.wait([writing, self._answer], return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    writing.result()
                    return
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
        raise self._library.WriteError("the answer came before the request was written")

    async def read(self, max_bytes: int, **limits: float | None) -> bytes:
        if not self._answer.done():
            self._left = 0
        elif not self._reader.done():
            self._connection._h11_state.send_failed()  # which has it closed afterwards, as it is being read from
        while not self._received and not self._reader.done():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), limits.get("timeout"))
            except TimeoutError as error:
                raise self._library.ReadTimeout from error
        data = self._received.popleft() if self._received else b""
        if not self._received and self._reader.done() and self._error is None:
            self._connection._network_stream = self._stream  # which has what else there is to read
        if data or self._error is None:
            return data
        raise self._error

    async def aclose(self) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def _read(self) -> None:
        received = b""
        try:
            while len(received) < MAX_READ_WHILE_WRITING and not (received and self._left <= 0):
                data = await self._stream.read(LARGE_BODY)
                self._received.append(data)
                received += data
                if not data:
                    break
                if not _NOT_FINAL.fullmatch(received):
                    self._begin()
                self._news.set()
        except Exception as error:
            self._error = error
        finally:
            self._begin()
            self._news.set()

    def _begin(self) -> None:
        if not self._answer.done():
            self._answer.set_result(None)
