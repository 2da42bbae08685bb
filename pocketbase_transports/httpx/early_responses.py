"""Read while a large body is being written.

A server may respond before it has read the request, for example by 413, and close the connection. The system then
resets the connection, and discards what was not read by then. httpx writes the whole body first, and has no public way
to read at the same time. So:

1. `WatchedBody` wraps a large body. When the first chunk is asked for, it finds httpcore's connection in the frames of
   the caller, and replaces the connection's network stream by a `DuplexStream`.
2. The duplex stream starts a task that reads. Responses with a status of 1xx are not final, and change nothing.
3. When a final response begins, or the connection ends, `write` raises httpcore's `WriteError`. httpcore then
   reads the response, as it does for a server that has closed the connection.
4. `read` first returns what the task has received. After that, the original stream is put back.
5. If the body was not written to its end, `send_failed` of h11 is called, so that the connection is closed.

With other versions of httpcore, whose private attributes have other names, nothing is replaced.
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

from pocketbase_core.transport import Exchange, RequestBody

LARGE_BODY = 64 * 1024
"""Bytes that a socket accepts at once. A smaller body is written before the server can have closed the connection."""
MAX_READ_WHILE_WRITING = 1024 * 1024
"""The maximum number of bytes of a response that are read while the body is written."""
_NOT_FINAL = re.compile(rb"(?:HTTP/1\.[01] 1\d\d.*?\r\n\r\n)*(?:.{0,9}|HTTP/1\.[01] 1(?:(?!\r\n\r\n).)*)", re.DOTALL)
"""The bytes that may come before a final response: responses with a status of 1xx, and an incomplete status line."""


def watch_body(exchange: Exchange) -> AsyncIterator[bytes] | None:
    """Return the body to pass to the library. A body that may be large is watched for an early response."""
    body = exchange.body
    if body is None:
        return None
    content_length = exchange.headers.get("Content-Length")
    length = inf if content_length is None else int(content_length)
    return WatchedBody(body, length) if length > LARGE_BODY else body


class WatchedBody(AsyncIterator[bytes]):
    """The chunks of a body, which end with an error once a response begins."""

    def __init__(self, body: RequestBody, length: float) -> None:
        self._body = body
        self._length = length
        self._has_begun = False

    async def __anext__(self) -> bytes:
        if not self._has_begun:
            self._has_begun = True
            _read_while_writing(find_connection(inspect.currentframe()), self._length)
        return await anext(self._body)


def find_connection(frame: FrameType | None) -> Any:
    """Return the HTTP/1.1 connection of httpcore that asks for a chunk of the body, from the frames of the callers."""
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
    """A network stream of httpcore that reads while it writes.

    httpcore passes `timeout`, in seconds or None, to `write` and `read` by keyword.

    Args:
        connection: The connection of httpcore, whose stream this one replaces.
        stream: The stream that is replaced.
        length: The number of bytes in the body.
    """

    def __init__(self, connection: Any, stream: Any, length: float) -> None:
        self._connection = connection
        self._stream = stream
        self._library = import_module(type(connection).__module__.partition(".")[0])
        self._received: deque[bytes] = deque()
        self._error: Exception | None = None
        self._response_begun = asyncio.get_running_loop().create_future()
        """Done when a final response has begun, or the connection has ended."""
        self._data_received = asyncio.Event()
        self._bytes_to_write = length
        self._reader = asyncio.create_task(self._read())

    async def write(self, buffer: bytes, **limits: float | None) -> None:
        """Write to the connection. Raise the library's `WriteError` if the response begins first."""
        if not buffer:
            return
        self._bytes_to_write -= len(buffer)
        if self._stream.get_extra_info("is_readable"):
            await asyncio.sleep(0)  # let the reader go first: a write that fails would close the connection
        if not self._response_begun.done():
            writing = asyncio.create_task(self._stream.write(buffer, **limits))
            try:
                await asyncio.wait([writing, self._response_begun], return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    writing.result()
                    return
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
        raise self._library.WriteError("the response came before the request was written")

    async def read(self, max_bytes: int, **limits: float | None) -> bytes:
        """Return received data, or wait for data. An empty result is the end of the connection."""
        if not self._response_begun.done():
            self._bytes_to_write = 0
        elif not self._reader.done():
            self._connection._h11_state.send_failed()  # the reader is still reading, so nothing else may use it
        while not self._received and not self._reader.done():
            self._data_received.clear()
            try:
                await asyncio.wait_for(self._data_received.wait(), limits.get("timeout"))
            except TimeoutError as error:
                raise self._library.ReadTimeout from error
        data = self._received.popleft() if self._received else b""
        if not self._received and self._reader.done() and self._error is None:
            self._connection._network_stream = self._stream  # all further data is read from there
        if data or self._error is None:
            return data
        raise self._error

    async def aclose(self) -> None:
        """Stop reading, and close the connection."""
        self._reader.cancel()
        await asyncio.wait([self._reader])
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return what the replaced stream returns."""
        return self._stream.get_extra_info(info)

    async def _read(self) -> None:
        received = b""
        try:
            while len(received) < MAX_READ_WHILE_WRITING and not (received and self._bytes_to_write <= 0):
                data = await self._stream.read(LARGE_BODY)
                self._received.append(data)
                received += data
                if not data:
                    break
                if not _NOT_FINAL.fullmatch(received):
                    self._set_response_begun()
                self._data_received.set()
        except Exception as error:
            self._error = error
        finally:
            self._set_response_begun()
            self._data_received.set()

    def _set_response_begun(self) -> None:
        if not self._response_begun.done():
            self._response_begun.set_result(None)
