"""The bodies of requests.

The library asks for the first chunk of a body when it has a connection, which tells the exchange that the request may
have been sent. It asks in its own thread, so that an async iterator costs a turn of the event loop for each chunk. A
small body in memory is one chunk of a plain iterator instead.

A large one is passed in slices. A server may respond before it has read the request, for example by 413, and close the
connection. The library looks for a response between two chunks, and not while it writes one.

A cancelled call does not end the request in the library. So `abort` makes the body fail, which closes the connection.
An end of the body would not do: it would look like a complete body if there is no Content-Length.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from pocketbase_core.transport import Exchange, RequestBody

SLICE = 64 * 1024


class UploadAborted(Exception):
    """The call that sends the body has ended."""


class Chunk(Iterator[bytes]):
    """A small body.

    Args:
        content: The body.
        exchange: Its `request_sent` is changed to None when the library takes the body.
    """

    def __init__(self, content: bytes, exchange: Exchange) -> None:
        self._content = content
        self._exchange: Exchange | None = exchange

    def __next__(self) -> bytes:
        if not self._content:
            raise StopIteration
        if self._exchange is None:
            raise UploadAborted
        self._exchange.request_sent = None
        content, self._content = self._content, b""
        return content

    async def finish(self) -> None:
        """Do nothing: there is no source that waits for its end."""

    def abort(self) -> None:
        """Have the request fail if the library has not taken the body yet."""
        self._exchange = None


class Upload(AsyncIterator[bytes]):
    """A body that is read from files, or is large.

    Args:
        exchange: The exchange.
        body: The body.
        length: The length in bytes. None: unknown.
    """

    def __init__(self, exchange: Exchange, body: AsyncIterator[bytes], length: int | None) -> None:
        self._exchange = exchange
        self._body = body
        self._remaining = length
        self._reader: asyncio.Task[Any] | None = None
        self._is_aborted = False

    async def __anext__(self) -> bytes:
        if self._is_aborted:
            raise UploadAborted
        self._exchange.request_sent = None
        self._reader = asyncio.current_task()
        try:
            chunk = await anext(self._body)
        finally:
            self._reader = None
        if self._remaining is not None:
            self._remaining -= len(chunk)
        return chunk

    async def finish(self) -> None:
        """Read the end of a body that was sent completely, because the library does not ask for it."""
        if self._remaining == 0 and self._reader is None:
            self._is_aborted = True
            await anext(self._body, None)

    def abort(self) -> None:
        """Have the request fail if the library has not read the whole body yet."""
        self._is_aborted = True
        if self._reader is not None:
            self._reader.cancel()


async def body_to_send(exchange: Exchange, body: RequestBody) -> Chunk | Upload | None:
    """Return the body of an exchange as it is passed to the library. None if the body is empty."""
    if exchange.request.sources:
        length = exchange.headers.get("Content-Length")
        return Upload(exchange, body, None if length is None else int(length))
    content = b"".join([chunk async for chunk in body])
    exchange.request_sent = False  # reading the body is not sending it
    if len(content) > SLICE:
        return Upload(exchange, _slices(content), len(content))
    return Chunk(content, exchange) if content else None


async def _slices(content: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(content), SLICE):
        yield content[start : start + SLICE]
