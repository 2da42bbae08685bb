"""One request in the library, and the reading of its response."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from pyreqwest.bytes import Bytes
from pyreqwest.exceptions import ClientClosedError, PoolTimeoutError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response as LibraryResponse
from pyreqwest.response import ResponseBodyReader

from pocketbase_core.messages import Headers
from pocketbase_core.transport import BodyStream, Exchange

from .awaiting import Uncancelled
from .clients import Pool
from .exceptions import NEVER_SENT, WHILE_READING, explained, raise_pool_timeout
from .uploads import Chunk, Upload, body_to_send

_NEVER = timedelta(days=1000)
_READ_AHEAD = RequestBuilder.default_streamed_read_buffer_limit()
_MAX_DIGITS = 9
"""The library allocates the Content-Length before it reads a whole body. A server could make it allocate anything."""


class Call:
    """A request, and its response.

    A cancelled request goes on in the library until its headers arrive. So it gets the timeout of the exchange if it
    has no files, and its body fails (`uploads.py`).

    Args:
        pool: The pool whose client sends the request.
        exchange: The exchange.
        reads_ahead: Whether the response is returned only when its body is there, or 64 KiB of it. That is faster. The
            library's timeout then tells how far the request had come.
    """

    def __init__(self, pool: Pool, exchange: Exchange, *, reads_ahead: bool = False) -> None:
        self._pool = pool
        self._exchange = exchange
        self._reads_ahead = reads_ahead
        self._body: Chunk | Upload | None = None
        self._request: StreamRequest | None = None
        self._reading: Uncancelled[Bytes | None] | None = None
        self.is_closed = False

    async def open(self) -> LibraryResponse:
        """Send the request, and return the response. Afterwards, `close` has to be called in any case."""
        if self._exchange.body is not None:
            self._body = await body_to_send(self._exchange, self._exchange.body)
        self._request = self._build()
        try:
            response = await Uncancelled(self._request.__aenter__(), self._pool.unfinished, self._close_response)
            if self._body is not None:
                await self._body.finish()
        except BaseException as error:
            if self._body is not None:
                self._body.abort()
            self._raise(error)
            raise
        if not self._reads_ahead:
            self._pool.open_calls.add(self)
        self._exchange.response_started()
        return response

    def __del__(self) -> None:
        """Close the response of a block that cannot end, because the block's loop is closed."""
        self.close()

    def close(self) -> None:
        """Close the response. Otherwise, the library would read on until the next chunk arrives."""
        if self.is_closed or self._request is None or self._pool.is_inherited:
            return
        self.is_closed = True
        self._pool.open_calls.discard(self)
        if self._reading is not None:
            self._reading.end()  # it holds the lock of the response's reader
        self._close_response()
        if self._body is not None:
            self._body.abort()

    def _close_response(self, _: object = None) -> None:
        assert self._request is not None
        with suppress(StopIteration, RuntimeError):  # it ends in one step; RuntimeError: there is no response
            self._request.__aexit__(None, None, None).__await__().send(None)

    async def read_at_once(self, response: LibraryResponse, length: int) -> bytes:
        """Return the body of the response, which has this length."""
        try:
            if self._reads_ahead and length < _READ_AHEAD:  # it is there already, so that nothing is waited for
                content = await response.bytes()
            else:
                content = await Uncancelled(response.bytes())
        except PyreqwestError as error:
            raise (reason := self._reason(error)) from reason.__cause__
        self.is_closed = self._body is None  # the library has read it to its end
        return content.to_bytes()

    async def read_chunk(self, reader: ResponseBodyReader) -> Bytes | None:
        """Return the next chunk of the response, or None at the end.

        Raises:
            ConnectionAbortedError: If the call is closed, by the transport.
        """
        if self.is_closed:
            raise ConnectionAbortedError("the transport was closed")
        self._reading = Uncancelled(reader.read_chunk())
        try:
            return await self._reading
        finally:
            self._reading = None

    def _build(self) -> StreamRequest:
        exchange = self._exchange
        builder = self._pool.open_client().request(exchange.request.method, exchange.request.full_url)
        builder = builder.headers(exchange.headers)
        if self._pool.is_external:
            builder = builder.error_for_status(False)
        if self._body is not None:
            builder = builder.body_stream(self._body)
        seconds = exchange.leave_timeout_to_library() if self._reads_ahead else None
        if not self._pool.has_timeout(seconds):
            builder = builder.timeout(_NEVER if seconds is None else timedelta(seconds=seconds))
        if not self._reads_ahead:
            builder = builder.streamed_read_buffer_limit(0)
        return builder.build_streamed()

    def _raise(self, error: BaseException) -> None:
        """Record how far the request had come, and raise what the library's exception means."""
        exchange = self._exchange
        reason = self._reason(error)
        if isinstance(error, WHILE_READING):
            exchange.response_started()
        elif exchange.request_sent is False and self._body is None and not isinstance(reason, NEVER_SENT):
            exchange.request_sent = None  # the library asks for no chunk of an empty body
        if isinstance(reason, ClientClosedError):  # only the user closes a client
            raise RuntimeError("the client is closed") from None
        if isinstance(reason, PoolTimeoutError):
            raise_pool_timeout(reason)
        if reason is not error:
            raise reason from reason.__cause__

    def _reason(self, error: BaseException) -> BaseException:
        """Return what an exception of the library means."""
        reason = explained(error) if isinstance(error, PyreqwestError) else error
        timeout = self._exchange.request.timeout
        if isinstance(reason, RequestTimeoutError) and not isinstance(reason, NEVER_SENT) and timeout is not None:
            return TimeoutError(f"no response within {timeout:g} s")
        return reason


def read_headers(response: LibraryResponse) -> Iterable[tuple[str, str]]:
    """Return the headers of a response. The library cannot read values that are not ASCII: these are left out."""
    headers = response.headers
    try:
        return [*headers.items()]
    except ValueError:
        pairs: list[tuple[str, str]] = []
        for name in dict.fromkeys(headers):
            with suppress(ValueError):
                pairs += [(name, value) for value in headers.getall(name)]
        return pairs


async def read_body(call: Call, response: LibraryResponse, exchange: Exchange) -> bytes:
    """Read the whole body of a response."""
    if exchange.request.method == "HEAD":
        return b""
    length = response.get_header("Content-Length")
    if length is None or len(length) > _MAX_DIGITS or response.get_header("Content-Encoding") is not None:
        headers = Headers(read_headers(response))
        return await exchange.read_body(response.status, headers, body_stream(call, response, exchange, None))
    exchange.check_body_size(response.status, int(length))
    return await call.read_at_once(response, int(length))


def body_stream(call: Call, response: LibraryResponse, exchange: Exchange, timeout: float | None) -> BodyStream:
    """Return the body of a response as it comes over the wire.

    Args:
        call: The call.
        response: The response.
        exchange: The exchange.
        timeout: The time for each chunk, in seconds. None: no limit.
    """
    reader = response.body_reader

    async def read() -> bytes:
        try:
            async with asyncio.timeout(timeout):
                chunk = await call.read_chunk(reader)
        except PyreqwestError as error:
            raise (reason := explained(error)) from reason.__cause__
        except TimeoutError:
            raise TimeoutError(f"no data within {timeout:g} s") from None
        return b"" if chunk is None else chunk.to_bytes()

    return BodyStream(exchange.raise_mapped, read)
