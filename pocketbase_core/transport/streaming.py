"""Responses whose body is read as it arrives."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Self

from ..messages import Headers, Response


class BodyStream(AsyncIterator[bytes]):
    """A streamed body, whose exceptions are mapped.

    Args:
        raise_mapped: `Exchange.raise_mapped`.
        read: Returns the next chunk; an empty one is the end of the body.
    """

    __slots__ = ("_raise_mapped", "_read")

    def __init__(self, raise_mapped: Callable[[Exception], None], read: Callable[[], Awaitable[bytes]]) -> None:
        self._raise_mapped = raise_mapped
        self._read = read

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._read()
        except Exception as error:
            self._raise_mapped(error)
            raise
        if not chunk:
            raise StopAsyncIteration
        return chunk


class StreamingResponse:
    """A response's status and headers, and its body as an iterator of chunks."""

    __slots__ = ("_chunks", "headers", "status_code")

    def __init__(self, status_code: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        self.status_code = status_code
        """The HTTP status."""
        self.headers = headers
        """The response's headers."""
        self._chunks = chunks

    @classmethod
    def from_response(cls, response: Response) -> Self:
        """Make a streaming response of a complete one."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            if response.content:
                yield response.content

        return cls(response.status_code, response.headers, chunks())

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Return the body, decompressed, in chunks. The body can be read once."""
        return self._chunks
