"""What every adapter does alike: one attempt to have a request answered."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from .causes import describe, is_out_of_files, raise_without_context, shown, was_in
from .content import encode
from .deadlines import Deadline
from .errors import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseTransportError,
    not_events,
)
from .headers import body_length
from .messages import Headers, Request, Response

EVENT_STREAM = "text/event-stream"
MAX_EVENT_SIZE = 16 * 1024 * 1024


class Fault(NamedTuple):
    """What an HTTP library's exception means."""

    error: type[PocketBaseTransportError]
    never_sent: bool = False


class Waiting(NamedTuple):
    """How a library waits for a connection of a full pool: in which functions, and what to say of the pool then."""

    functions: Collection[str]
    explain: Callable[[], str]


Faults = Mapping[type[Exception], Fault]


class Exchange:
    """One attempt to have a request answered: its encoded body, and how far it came.

    As a block, it ends at the deadline, and a library's exception leaves it as the error that `faults` names. While
    files are sent, the deadline moves on with each chunk.

    The body is the exchange itself, as an async iterable of chunks that can be read once. `headers` are the request's
    with the body's type, and its length where that is known.
    """

    __slots__ = (
        "_chunks",
        "_deadline",
        "_failure",
        "_faults",
        "_idle",
        "_waiting",
        "headers",
        "request",
        "request_sent",
    )

    def __init__(self, request: Request, faults: Faults, waiting: Waiting | None = None) -> None:
        self.request = request
        self.headers = request.headers.to_dict()
        self.request_sent: bool | None = False
        """False while nothing has left, None once something may have arrived, True once an answer has begun."""
        self._faults = faults
        self._waiting = waiting
        self._failure: Exception | None = None
        self._chunks: AsyncGenerator[bytes, None] | None = None
        self._deadline = None if request.timeout is None else Deadline(request.timeout)
        self._idle: asyncio.Event | None = None

    async def __aenter__(self) -> Self:
        if self.request.method in ("GET", "HEAD"):
            self.request_sent = None  # without a body, nothing tells when it leaves
        else:
            await self._encode()
        if self._deadline is not None:
            self._deadline.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_late = self._deadline is not None and self._deadline.leave(kind)
        if self._chunks is not None:
            if self._idle is not None:
                # While it runs, it belongs to a writer that the library has cancelled.
                await self._idle.wait()
            await self._chunks.aclose()
        if is_late:
            late = TimeoutError(f"no answer within {self.request.timeout:g} s")
            late.__context__ = error  # it tells what was waited for
            self.translate(late)
            raise late
        if isinstance(error, Exception):
            self.translate(error)

    def translate(self, error: Exception) -> None:
        """Raise the error that `faults` names for a library's exception; return if it names none."""
        if (failure := self._failure) is not None:
            raise_without_context(failure, None)
        fault = next((self._faults[kind] for kind in type(error).__mro__ if kind in self._faults), None)
        if fault is None:
            return
        sent = False if fault.never_sent else self.request_sent
        message = describe(error)
        if self._waiting is not None and was_in(self._waiting.functions, error):
            sent, message = False, f"no connection was free: {self._waiting.explain()}"
        elif is_out_of_files(error):
            fault, sent = fault._replace(error=PocketBaseConnectionError), False
            message = "too many open files, so that no connection can be opened; raise the limit (`ulimit -n`)"
        raise_without_context(fault.error(self.request.url, message=message, request_sent=sent), shown(error))

    def failed(self, message: str) -> PocketBaseConnectionError:
        """The error of an answer that is read no further."""
        return PocketBaseConnectionError(self.request.url, message=message, request_sent=True)

    @contextmanager
    def translating(self) -> Generator[None, None, None]:
        """A block that a library's exception leaves as the error that `faults` names."""
        try:
            yield
        except Exception as error:
            self.translate(error)
            raise

    @property
    def has_body(self) -> bool:
        """Whether there is a body to send, be it empty."""
        return self._chunks is not None

    def answered(self) -> None:
        """The answer's headers are in."""
        self.request_sent = True

    def length_fits(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the headers of an answer promise that it is no larger than the request allows.

        Raises:
            PocketBaseDecodeError: they promise that it is.
        """
        most, length = self.request.max_response_bytes, body_length(headers)
        if most is None or length is None:
            return most is None
        if length > most:
            raise _too_large(self.request, status)
        return True

    def is_stream(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the headers of an answer promise server-sent events."""
        return status == 200 and headers.get("Content-Type", "").partition(";")[0].strip().lower() == EVENT_STREAM

    def no_stream(self, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> PocketBaseError:
        """The error of an answer that is none."""
        return not_events(Response(status, headers, content, self.request.url))

    def check_event(self, size: int) -> None:
        """Raises: PocketBaseConnectionError: an event of so many bytes, or more to come, is too large."""
        if size > MAX_EVENT_SIZE:
            raise self.failed("an event is larger than 16 MiB")

    async def read(self, status: int, headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> bytes:
        """The body of an answer as a whole; the chunks are decompressed.

        Raises:
            PocketBaseDecodeError: it is larger than the request allows.
        """
        self.length_fits(status, headers)
        return await read_whole(self.request, status, chunks)

    def checked(self, status: int, content: bytes) -> bytes:
        """As `read`, for a body that is there as a whole."""
        most = self.request.max_response_bytes
        if most is not None and len(content) > most:
            raise _too_large(self.request, status)
        return content

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        assert self._chunks is not None
        self.request_sent = None
        if self.request.files and self._deadline is not None:
            self._deadline.postpone()
        self._idle = asyncio.Event()
        try:
            return await anext(self._chunks)
        except Exception as error:
            if not isinstance(error, StopAsyncIteration):
                self._failure = error
            raise
        finally:
            self._idle.set()

    async def _encode(self) -> None:
        request = self.request
        content = await encode(request.body, request.files, request.dumps)
        self._chunks = content.chunks
        if content.content_type is not None and (request.files or "Content-Type" not in request.headers):
            self.headers["Content-Type"] = content.content_type
        if content.length is not None:
            self.headers["Content-Length"] = str(content.length)


class Chunks:
    """A streamed body: what `read` gives, until it gives nothing."""

    __slots__ = ("_exchange", "_read")

    def __init__(self, exchange: Exchange, read: Callable[[], Awaitable[bytes]]) -> None:
        self._exchange = exchange
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._read()
        except Exception as error:
            self._exchange.translate(error)
            raise
        if not chunk:
            raise StopAsyncIteration
        return chunk


class Streamed:
    """A streamed answer, and its body."""

    __slots__ = ("_chunks", "headers", "status_code")

    def __init__(self, status_code: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        self.status_code = status_code
        self.headers = headers
        self._chunks = chunks

    @classmethod
    def of(cls, response: Response) -> Self:
        """An answer that is there as a whole."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            if response.content:
                yield response.content

        return cls(response.status_code, response.headers, chunks())

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        return self._chunks


async def read_whole(request: Request, status: int, chunks: AsyncIterator[bytes]) -> bytes:
    """As `Exchange.read`."""
    most = request.max_response_bytes
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if most is not None and size > most:
            raise _too_large(request, status)
        parts.append(chunk)
    return b"".join(parts)


def _too_large(request: Request, status: int) -> PocketBaseDecodeError:
    message = f"the answer is larger than max_response_bytes={request.max_response_bytes} allows"
    return PocketBaseDecodeError(request.url, status, message=message)
