"""The body of a request while it is sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from ..messages import Request
from ..messages.body import check_content_type
from .body_encoding import EncodedBody, encode_body


class RequestBody(AsyncIterator[bytes]):
    """The encoded body of one attempt: an async iterator of chunks, which can be read once.

    Args:
        on_read: Called whenever the HTTP library asks for a chunk.
    """

    __slots__ = ("_chunks", "_idle", "_on_read", "failure", "is_reading")

    def __init__(self, on_read: Callable[[], None]) -> None:
        self._on_read: Callable[[], None] | None = on_read
        self._chunks: AsyncGenerator[bytes, None] | None = None
        self._idle: asyncio.Event | None = None
        self.failure: Exception | None = None
        """The exception of a file that could not be read."""
        self.is_reading = False
        """True while a file is read, or its size is asked for."""

    async def encode(self, request: Request) -> EncodedBody:
        """Encode the body of a request, up to the reading of its files.

        Raise as `encode_body` and `check_content_type`.
        """
        check_content_type(request.headers, request.body, request.files)
        self.is_reading = True
        encoded = await encode_body(request.body, request.files, request.client_options.json_dumps)
        self.is_reading = False
        self._chunks = encoded.chunks
        return encoded

    async def __anext__(self) -> bytes:
        assert self._chunks is not None
        if self._on_read is not None:
            self._on_read()
        self._idle = asyncio.Event()
        self.is_reading = True
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self.is_reading = False
            raise
        except Exception as error:
            self.failure = error
            raise
        finally:
            self._idle.set()
        self.is_reading = False
        return chunk

    async def aclose(self) -> None:
        """Close the files of the body."""
        self._on_read = None  # refers to the exchange, which refers to this body
        if self._chunks is not None:
            if self._idle is not None:  # a task of the library, cancelled by now, may still be in `__anext__`
                await self._idle.wait()
            await self._chunks.aclose()
