"""Bodies of answers, as they come and as a whole."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from io import BytesIO
from typing import TYPE_CHECKING, Self

from ..errors import PocketBaseDecodeError, PocketBaseTimeoutError
from ..messages import Headers, Request, Response

if TYPE_CHECKING:
    from .exchange import Exchange


class BodyStream(AsyncIterator[bytes]):
    """A streamed body: what `read` gives, until it gives nothing."""

    __slots__ = ("_exchange", "_read")

    def __init__(self, exchange: "Exchange", read: Callable[[], Awaitable[bytes]]) -> None:
        self._exchange = exchange
        self._read = read

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._read()
        except Exception as error:
            self._exchange.raise_mapped(error)
            raise
        if not chunk:
            raise StopAsyncIteration
        return chunk


class StreamingResponse:
    """A streamed answer, and its body."""

    __slots__ = ("_chunks", "headers", "status_code")

    def __init__(self, status_code: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        self.status_code = status_code
        self.headers = headers
        self._chunks = chunks

    @classmethod
    def from_response(cls, response: Response) -> Self:
        """Make a streamed response of one that is there as a whole."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            if response.content:
                yield response.content

        return cls(response.status_code, response.headers, chunks())

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        return self._chunks


async def read_body(request: Request, status: int, chunks: AsyncIterator[bytes]) -> bytes:
    """Read all of a decompressed body.

    Raises:
        PocketBaseDecodeError: the body is larger than the request allows.
    """
    most = request.client_options.max_response_bytes
    content = BytesIO()  # which gives its bytes away without a copy
    async for chunk in chunks:
        if most is not None and content.tell() + len(chunk) > most:
            raise body_too_large(request, status)
        content.write(chunk)
    return content.getvalue()


async def read_error_body(request: Request, status: int, chunks: AsyncIterator[bytes], started: float) -> bytes:
    """Read all of the body of an error, within the request's timeout from `started` on the loop's clock.

    Raises:
        PocketBaseTimeoutError: the time is up.
        PocketBaseDecodeError: the body is larger than the request allows.
    """
    loop = asyncio.get_running_loop()
    if request.files:  # whose sending may have taken longer
        started = loop.time()
    when = None if request.timeout is None else started + request.timeout
    try:
        async with asyncio.timeout_at(when):
            return await read_body(request, status, chunks)
    except TimeoutError as error:
        message = f"no whole answer came within {request.timeout:g} s"
        raise PocketBaseTimeoutError(request.url, message=message, request_sent=True) from error


def body_too_large(request: Request, status: int) -> PocketBaseDecodeError:
    """Make the error of a body that is larger than the request allows."""
    message = f"the answer is larger than max_response_bytes={request.client_options.max_response_bytes} allows"
    return PocketBaseDecodeError(request.url, status, message=message)
