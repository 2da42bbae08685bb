"""One request/response exchange, as every adapter needs it.

An adapter's `send` is a block on an `Exchange`:

    async with Exchange(request, ERROR_MAP) as exchange:
        response = await library.request(…, headers=exchange.headers, data=exchange.body)
        exchange.response_started()
        content = await exchange.read_body(response.status, response.headers, response.chunks)

1. Entering the block starts the deadline and encodes the body. The headers get the body's type and length.
2. While the library sends the body, `request_sent` changes to None: something may have arrived at the server. Each
   chunk postpones the deadline if files are sent.
3. `response_started` changes `request_sent` to True.
4. Leaving the block closes the files and stops the deadline. An exception of the library, or the end of the time,
   leaves the block as the error that `exception_map.py` makes of it.

Streams leave the block once the headers are there, as the timeout is for these only. The exchange still decompresses
the body (`decompress`), maps its exceptions (`raise_mapped`, for `BodyStream`) and splits it into events.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Self

from ..errors import PocketBaseDecodeError, PocketBaseError, not_event_stream
from ..messages import Request, Response
from ..messages.uploads import File
from . import limits
from .deadline import Deadline
from .decompression import ACCEPTED_ENCODINGS, Decompressed
from .exception_map import ErrorMap, ExceptionMapper, PoolWait
from .request_body import RequestBody
from .sse import event_fields, event_parts

EVENT_STREAM = "text/event-stream"
"""The content type of server-sent events."""


class Exchange:
    """One attempt to send a request and to receive its response.

    Args:
        request: The request.
        error_map: The errors for the library's exceptions.
        pool_wait: How a wait for a connection of a full pool is recognized and described.
    """

    __slots__ = (
        "_deadline",
        "_error_map",
        "_outer_exception",
        "_pool_wait",
        "body",
        "headers",
        "request",
        "request_sent",
    )

    def __init__(self, request: Request, error_map: ErrorMap, pool_wait: PoolWait | None = None) -> None:
        self.request = request
        self.headers = request.headers.to_dict()
        """The headers to send: those of the request, and what its body and the decompression need."""
        if "Accept-Encoding" not in request.headers:
            self.headers["Accept-Encoding"] = ACCEPTED_ENCODINGS
        self.body: RequestBody | None = None
        """The body to send, an async iterator of bytes, which may be empty. None for GET and HEAD."""
        self.request_sent: bool | None = False
        """False while nothing has been sent, None once something may have arrived, True once the response has begun.

        Without a body, nothing shows when the request is sent, so that the value is None from the beginning. An adapter
        that knows better sets False, and None when the request is sent.
        """
        self._error_map = error_map
        self._pool_wait = pool_wait
        self._outer_exception = sys.exception()
        """The exception that the caller is handling, which Python makes the context of all errors here."""
        self._deadline = None if request.timeout is None else Deadline(request.timeout)

    async def __aenter__(self) -> Self:
        if self._deadline is not None:
            self._deadline.start()
        if self.request.method in ("GET", "HEAD"):
            self.request_sent = None
            return self
        try:
            await self._encode()
        except BaseException as error:
            if self._stop_deadline(error):
                timeout_error = self._timeout_error(error)
                self.raise_mapped(timeout_error)
                raise timeout_error from None
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        timed_out = self._stop_deadline(error)
        if self.body is not None:
            await self.body.aclose()
        if timed_out:
            timeout_error = self._timeout_error(error)
            self.raise_mapped(timeout_error)
            raise timeout_error
        if isinstance(error, Exception):
            self.raise_mapped(error)

    async def _encode(self) -> None:
        request = self.request
        self.body = RequestBody(self._chunk_requested)
        encoded = await self.body.encode(request)
        if request.files:  # a Content-Type of the caller's lacks the boundary
            self.headers = {name: value for name, value in self.headers.items() if name.lower() != "content-type"}
        if encoded.content_type is not None and (request.files or "Content-Type" not in request.headers):
            self.headers["Content-Type"] = encoded.content_type
        if encoded.length is not None:
            self.headers["Content-Length"] = str(encoded.length)

    def _chunk_requested(self) -> None:
        self.request_sent = None
        if self._deadline is not None and self.request.sources:
            self._deadline.postpone()

    def _stop_deadline(self, error: BaseException | None) -> bool:
        """Stop the deadline, and return whether it has ended the block."""
        return self._deadline is not None and self._deadline.stop(None if error is None else type(error))

    def _timeout_error(self, error: BaseException | None) -> TimeoutError:
        """Return the exception of a deadline that is over. `error` is what it ended, such as a cancellation."""
        is_reading = self.body is not None and self.body.is_reading
        source = "the source of the body" if isinstance(self.request.body, File) else "a file to upload"
        missing = f"{source} gave no data" if is_reading else "no response"
        timeout_error = TimeoutError(f"{missing} within {self.request.timeout:g} s")
        timeout_error.__context__ = error  # its traceback shows whether a free connection was waited for
        return timeout_error

    def raise_mapped(self, error: Exception) -> None:
        """Raise the error for a library's exception. Return if the table does not list the exception.

        If a file could not be read, that error is raised instead, whatever the library made of it.
        """
        mapped = self._map(error) if self.body is None or self.body.failure is None else self.body.failure
        if mapped is None:
            return
        context = mapped.__context__
        try:
            raise mapped from mapped.__cause__
        finally:
            mapped.__context__ = context  # not the exception that is being handled, which may hold a request

    def _map(self, error: Exception) -> Exception | None:
        # A request with a body that may have been sent stays one, whatever exception follows: that may come from a
        # second attempt, by the library or by a hook in it. Without a body, nothing shows when the request is sent.
        # But such a request is a read, which may be repeated in any case.
        may_have_left = self.request_sent is True or (self.request_sent is None and self.body is not None)
        mapper = ExceptionMapper(self._error_map, self._pool_wait, self._outer_exception)
        return mapper.map(error, self.request.url, self.request_sent, may_have_left=may_have_left)

    def leave_timeout_to_library(self) -> float | None:
        """Return the seconds until the deadline, for a library whose own timeout tells how far the request had come.

        The deadline is postponed a little, so that the library's timeout comes first. None if the request has no
        timeout, or has files, each chunk of which starts the time again.
        """
        return None if self._deadline is None or self.request.sources else self._deadline.leave_to_library()

    def response_started(self) -> None:
        """Record that the response's headers have been received."""
        self.request_sent = True

    def check_content_length(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether the headers guarantee that the body is within the request's limit.

        Raises:
            PocketBaseDecodeError: If the Content-Length is above the limit.
        """
        return limits.check_content_length(self.request, status, headers)

    def check_body_size(self, status: int, size: int) -> None:
        """Check the size of a body in bytes.

        Raises:
            PocketBaseDecodeError: If the size is above the request's limit.
        """
        limits.check_body_size(self.request, status, size)

    async def read_body(self, status: int, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> bytes:
        """Read the body of a response to its end, and decompress it.

        Args:
            status: The status of the response.
            headers: The headers of the response.
            chunks: The body as it came over the wire.

        Raises:
            PocketBaseDecodeError: If the body is above the request's limit, or cannot be decompressed.
        """
        self.check_content_length(status, headers)
        return await limits.read_body(self.request, status, self.decompress(status, headers, chunks))

    def decompress(self, status: int, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Return the decompressed body of a response, in chunks of at most 64 KiB.

        Reading the body raises `PocketBaseDecodeError` if the body cannot be decompressed, or its encoding is neither
        gzip nor deflate.

        Args:
            status: The status of the response.
            headers: The headers of the response.
            chunks: The body as it came over the wire.
        """
        encoding = headers.get("Content-Encoding", "")
        if encoding.strip().lower() in ("", "identity"):
            return chunks
        return Decompressed(encoding, chunks, partial(PocketBaseDecodeError, self.request.url, status))

    def is_event_stream(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether a response with this status and these headers is a stream of server-sent events."""
        return status == 200 and headers.get("Content-Type", "").partition(";")[0].strip().lower() == EVENT_STREAM

    def not_event_stream_error(
        self, status: int, headers: Iterable[tuple[str, str]], content: bytes
    ) -> PocketBaseError:
        """Return the error for a response that is not a stream of server-sent events.

        Args:
            status: The status of the response.
            headers: The headers of the response.
            content: The body of the response, as far as `read_error_body` has read it.
        """
        return not_event_stream(Response(status, headers, content, self.request.url))

    def event_fields(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, str], None]:
        """Yield the fields of each event in a decompressed body: `event`, `data` and `id`, those that the event has.

        Iterating raises `PocketBaseConnectionError` if an event is larger than 16 MiB.
        """
        return event_fields(chunks, partial(limits.check_event_size, self.request.url))

    def event_parts(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes | dict[str, str], None]:
        """Yield short events as bytes, several at once, and the fields of any other event. Raise as `event_fields`."""
        return event_parts(chunks, partial(limits.check_event_size, self.request.url))
