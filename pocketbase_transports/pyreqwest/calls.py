"""One request in the library, and the reading of its response.

The library works in a thread of its own. Two facts shape this module:

- When a call is cancelled at the moment at which its result arrives, the library's awaitable may return the result and
  forget the cancellation. `wait_for` raises it then.
- A cancelled request goes on in the library until its headers arrive. So it gets the timeout of the exchange, and its
  body fails (`uploads.py`).
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

from pyreqwest.client import Client
from pyreqwest.exceptions import ClientClosedError, PoolTimeoutError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as LibraryResponse

from pocketbase_core.messages import Headers
from pocketbase_core.transport import BodyStream, Exchange

from .exceptions import NEVER_SENT, WHILE_READING, explained, raise_pool_timeout
from .uploads import Chunk, Upload, body_to_send

T = TypeVar("T")
_MAX_DIGITS = 9
"""The library allocates the Content-Length before it reads a whole body. A server could make it allocate anything."""


class Call:
    """A request that is sent when the block begins. The response is closed when the block ends.

    Args:
        client: The client.
        exchange: The exchange.
        reads_ahead: Whether the response is returned only when its body is there, or 64 KiB of it. That is faster. The
            library's timeout then tells how far the request had come.
    """

    __slots__ = ("_body", "_client", "_exchange", "_reads_ahead", "_request")

    def __init__(self, client: Client, exchange: Exchange, *, reads_ahead: bool = False) -> None:
        self._client = client
        self._exchange = exchange
        self._reads_ahead = reads_ahead
        self._body: Chunk | Upload | None = None

    async def __aenter__(self) -> LibraryResponse:
        self._body = await body_to_send(self._exchange)
        self._request = self._build()
        try:
            response = await wait_for(self._request.__aenter__())
            if self._body is not None:
                await self._body.finish()
        except BaseException as error:
            await self._close()
            self._raise(error)
            raise
        self._exchange.response_started()
        return response

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    def _build(self) -> StreamRequest:
        exchange = self._exchange
        builder = self._client.request(exchange.request.method, exchange.request.full_url)
        builder = builder.headers(exchange.headers).error_for_status(False)
        if self._body is not None:
            builder = builder.body_stream(self._body)
        if not self._reads_ahead:
            return builder.streamed_read_buffer_limit(0).build_streamed()
        seconds = exchange.leave_timeout_to_library()
        if seconds is not None:
            builder = builder.timeout(timedelta(seconds=seconds))
        return builder.build_streamed()

    async def _close(self) -> None:
        with suppress(RuntimeError):  # there is no response
            await self._request.__aexit__(None, None, None)
        if self._body is not None:
            self._body.abort()

    def _raise(self, error: BaseException) -> None:
        """Record how far the request had come, and raise what the library's exception means."""
        exchange = self._exchange
        reason = explained(error) if isinstance(error, PyreqwestError) else error
        if isinstance(reason, WHILE_READING):
            exchange.response_started()
        elif exchange.request_sent is False and self._body is None and not isinstance(reason, NEVER_SENT):
            exchange.request_sent = None  # the library asks for no chunk of an empty body
        if isinstance(reason, PoolTimeoutError):
            raise_pool_timeout(reason)
        if isinstance(reason, RequestTimeoutError) and not isinstance(reason, NEVER_SENT):
            raise TimeoutError(f"no response within {exchange.request.timeout:g} s")
        if reason is not error:
            raise reason from reason.__cause__


async def wait_for(awaitable: Awaitable[T]) -> T:
    """Await a result of the library, and raise a cancellation that the library has forgotten."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    result = await awaitable
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return result


def read_headers(response: LibraryResponse) -> Headers:
    """Return the headers of a response. The library cannot read values that are not ASCII: these are left out."""
    headers = response.headers
    try:
        return Headers(headers.items())
    except ValueError:
        pairs: list[tuple[str, str]] = []
        for name in dict.fromkeys(headers):
            with suppress(ValueError):
                pairs += [(name, value) for value in headers.getall(name)]
        return Headers(pairs)


async def read_body(response: LibraryResponse, headers: Headers, exchange: Exchange) -> bytes:
    """Read the whole body of a response."""
    if exchange.request.method == "HEAD":
        return b""
    if (
        "Content-Encoding" not in headers
        and exchange.check_content_length(response.status, headers)
        and len(headers.get("Content-Length", "")) <= _MAX_DIGITS
    ):
        try:
            return (await wait_for(response.bytes())).to_bytes()
        except PyreqwestError as error:
            raise (reason := explained(error)) from reason.__cause__
    return await exchange.read_body(response.status, headers, body_stream(response, exchange, None))


def body_stream(response: LibraryResponse, exchange: Exchange, timeout: float | None) -> BodyStream:
    """Return the body of a response as it comes over the wire.

    Args:
        response: The response.
        exchange: Its exchange.
        timeout: The time for each chunk, in seconds. None: no limit.
    """
    reader = response.body_reader

    async def read() -> bytes:
        try:
            async with asyncio.timeout(timeout):
                chunk = await wait_for(reader.read_chunk())
        except PyreqwestError as error:
            raise (reason := explained(error)) from reason.__cause__
        except TimeoutError:
            raise TimeoutError(f"no data within {timeout:g} s") from None
        return b"" if chunk is None else chunk.to_bytes()

    return BodyStream(exchange.raise_mapped, read)
