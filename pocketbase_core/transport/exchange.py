"""One attempt to have a request answered: the part that is alike in every adapter."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from ..errors import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseTransportError,
    not_event_stream,
)
from ..messages import Request, Response
from ..messages.headers import content_length
from .body_encoding import encode_body
from .causes import describe, is_out_of_files, public_cause, raise_without_context, was_raised_in
from .deadline import Deadline
from .decompression import ACCEPTED_ENCODINGS, Decompressed
from .sse import MAX_EVENT_SIZE, event_fields, event_parts
from .streaming import body_too_large, read_body

EVENT_STREAM = "text/event-stream"


class ErrorMapping(NamedTuple):
    """The meaning of an HTTP library's exception."""

    error: type[PocketBaseTransportError]
    never_sent: bool = False


class PoolWait(NamedTuple):
    """The functions in which a library waits for a connection of a full pool, and the words for such a wait.

    They choose the message of an error. That a request with a body never left, only the exchange itself can tell.
    """

    functions: Collection[str]
    explain: Callable[[], str]


ErrorMap = Mapping[type[Exception], ErrorMapping]


class Exchange(AsyncIterator[bytes]):
    """One attempt to have a request answered: its encoded body, and how far it came.

    As a block, it ends at the deadline, and a library's exception leaves it as the error that `faults` names. While
    files are sent, the deadline moves on with each chunk.

    The body is the exchange itself, as an async iterable of chunks that can be read once. `headers` are the request's
    with the body's type, its length where that is known, and the encodings that `decompressed` reads.
    """

    __slots__ = (
        "_chunks",
        "_deadline",
        "_error_map",
        "_failure",
        "_idle",
        "_is_reading",
        "_outer_exception",
        "_pool_wait",
        "headers",
        "request",
        "request_sent",
    )

    def __init__(self, request: Request, faults: ErrorMap, waiting: PoolWait | None = None) -> None:
        self.request = request
        self.headers = request.headers.to_dict()
        if "Accept-Encoding" not in request.headers:
            self.headers["Accept-Encoding"] = ACCEPTED_ENCODINGS
        self.request_sent: bool | None = False
        """False while nothing has left, None once something may have arrived, True once an answer has begun.

        Without a body, nothing tells when a request leaves, and it is None from the beginning. An adapter that knows
        better sets it to False, and to None when the request leaves.
        """
        self._error_map = faults
        self._pool_wait = waiting
        self._outer_exception = sys.exception()
        """The exception that the caller is handling, which Python makes the context of all errors here."""
        self._failure: Exception | None = None
        self._chunks: AsyncGenerator[bytes, None] | None = None
        self._deadline = None if request.timeout is None else Deadline(request.timeout)
        self._idle: asyncio.Event | None = None
        self._is_reading = False
        """The deadline is for a chunk of the body."""

    async def __aenter__(self) -> Self:
        if self._deadline is not None:
            self._deadline.start()
        if self.request.method in ("GET", "HEAD"):
            self.request_sent = None
            return self
        try:
            await self._encode()
        except BaseException as error:
            if self._is_late(error):
                raise self._late(error) from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_late = self._is_late(error)
        if self._chunks is not None:
            if self._idle is not None:
                # While it runs, it belongs to a writer that the library has cancelled.
                await self._idle.wait()
            await self._chunks.aclose()
        if is_late:
            raise self._late(error)
        if isinstance(error, Exception):
            self.raise_mapped(error)

    def _is_late(self, error: BaseException | None) -> bool:
        """Leave the deadline, and return whether the deadline has ended the block."""
        return self._deadline is not None and self._deadline.stop(None if error is None else type(error))

    def _late(self, error: BaseException | None) -> Exception:
        missing = "nothing came of a file to upload" if self._is_reading else "no answer came"
        late = TimeoutError(f"{missing} within {self.request.timeout:g} s")
        late.__context__ = error  # its traceback tells what was waited for
        self.raise_mapped(late)
        return late

    def raise_mapped(self, error: Exception) -> None:
        """Raise the error that `faults` names for a library's exception; return if it names none."""
        if (failure := self._failure) is not None:
            raise_without_context(failure, None)
        fault = next((self._error_map[kind] for kind in type(error).__mro__ if kind in self._error_map), None)
        if fault is None:
            return
        sent, message = self.request_sent, describe(error)
        if not self._may_have_left:
            if self._pool_wait is not None and was_raised_in(self._pool_wait.functions, error, self._outer_exception):
                sent, message = False, f"no connection was free: {self._pool_wait.explain()}"
            elif is_out_of_files(error, self._outer_exception):
                fault, sent = fault._replace(error=PocketBaseConnectionError), False
                message = "too many open files, so that no connection can be opened; raise the limit (`ulimit -n`)"
            elif fault.never_sent:
                sent = False
        raise_without_context(
            fault.error(self.request.url, message=message, request_sent=sent),
            public_cause(error, self._outer_exception),
        )

    def connection_error(self, message: str) -> PocketBaseConnectionError:
        """Make the error of a response that is read no further."""
        return PocketBaseConnectionError(self.request.url, message=message, request_sent=True)

    @property
    def _may_have_left(self) -> bool:
        """Return whether a connection took the request, as far as the exchange itself can tell.

        Then no exception tells that the request never left: the exception may come from another attempt, which the
        library, or a hook in it, made after this one. Nothing tells when a request without a body leaves; but that is
        a read, which may be repeated in any case.
        """
        return self.request_sent is True or (self.request_sent is None and self.has_body)

    @property
    def has_body(self) -> bool:
        """Return whether there is a body to send, be it empty."""
        return self._chunks is not None

    def response_started(self) -> None:
        """Note that the response's headers are in."""
        self.request_sent = True

    def check_content_length(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether the headers of a response promise a body that is no larger than the request allows.

        Raises:
            PocketBaseDecodeError: they promise a larger one.
        """
        most, length = self.request.client_options.max_response_bytes, content_length(headers)
        if most is None or length is None:
            return most is None
        if length > most:
            raise body_too_large(self.request, status)
        return True

    def is_event_stream(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether the headers of a response promise server-sent events."""
        return status == 200 and headers.get("Content-Type", "").partition(";")[0].strip().lower() == EVENT_STREAM

    def not_event_stream_error(
        self, status: int, headers: Iterable[tuple[str, str]], content: bytes
    ) -> PocketBaseError:
        """Make the error of a response that is no stream of events."""
        return not_event_stream(Response(status, headers, content, self.request.url))

    def event_fields(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, str], None]:
        """Yield the fields of each event of a decompressed body: `event`, `data` and `id`, as far as it has them.

        Reading them raises PocketBaseConnectionError where an event has more than 16 MiB.
        """
        return event_fields(chunks, self._check_event)

    def event_parts(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes | dict[str, str], None]:
        """Yield short events as they came, many at once, and the fields of any other event. Raise as `event_fields`."""
        return event_parts(chunks, self._check_event)

    def decompress(self, status: int, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Decompress the body of a response, whose chunks are as they came over the wire, in pieces of 64 KiB.

        Reading the body raises PocketBaseDecodeError where it cannot be decompressed, or is encoded by anything but
        gzip or deflate.
        """
        encoding = headers.get("Content-Encoding", "")
        if encoding.strip().lower() in ("", "identity"):
            return chunks
        return Decompressed(encoding, chunks, partial(PocketBaseDecodeError, self.request.url, status))

    async def read_body(self, status: int, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> bytes:
        """Read the body of a response as a whole; its chunks are as they came over the wire.

        Raises:
            PocketBaseDecodeError: the body is larger than the request allows, or as `decompressed` says.
        """
        self.check_content_length(status, headers)
        return await read_body(self.request, status, self.decompress(status, headers, chunks))

    def check_body_size(self, status: int, content: bytes) -> bytes:
        """Check the size of a body that is there as a whole. Raises as `read` does."""
        most = self.request.client_options.max_response_bytes
        if most is not None and len(content) > most:
            raise body_too_large(self.request, status)
        return content

    async def __anext__(self) -> bytes:
        assert self._chunks is not None
        self.request_sent = None
        if self.request.files and self._deadline is not None:
            self._deadline.postpone()
        self._idle = asyncio.Event()
        self._is_reading = True
        try:
            chunk = await anext(self._chunks)
        except Exception as error:
            if not isinstance(error, StopAsyncIteration):
                self._failure = error
            raise
        finally:
            self._idle.set()
        self._is_reading = False
        return chunk

    def _check_event(self, size: int) -> None:
        if size > MAX_EVENT_SIZE:
            raise self.connection_error("an event is larger than 16 MiB")

    async def _encode(self) -> None:
        request = self.request
        self._is_reading = True
        content = await encode_body(request.body, request.files, request.client_options.json_dumps)
        self._is_reading = False
        self._chunks = content.chunks
        if content.content_type is not None and (request.files or "Content-Type" not in request.headers):
            self.headers["Content-Type"] = content.content_type
        if content.length is not None:
            self.headers["Content-Length"] = str(content.length)
