"""The ports: what the core asks of an HTTP library."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from .messages import Headers, Request, Response, ServerSentEvent


class StreamedResponse(Protocol):
    """An answer whose body is still to come."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """The answer's headers."""
        ...

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Iterate over the body in chunks, decompressed.

        Raises:
            PocketBaseTransportError: the connection broke, or `timeout` passed without a byte.
            PocketBaseDecodeError: the body cannot be decompressed.
        """
        ...


class HttpPort(Protocol):
    """Requests and answers. A status is data here: only a missing answer is an error. Redirects are not followed."""

    async def send(self, request: Request) -> Response:
        """Return the response, read to its end within the request's timeout.

        Raises:
            PocketBaseTransportError: no whole answer came; `request_sent` tells what is known.
            PocketBaseDecodeError: the response is larger than `max_response_bytes`, or cannot be decompressed.
        """
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a response from its headers on. The timeout limits the wait for them, then for each chunk.

        Raises:
            PocketBaseTransportError: no answer came.
        """
        ...


class SsePort(Protocol):
    """Server-sent events. Never reconnects."""

    def events(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]:
        """Open a connection and iterate over its events; the iterator ends where the body ends.

        The timeout limits the wait for the answer's headers only.

        Raises:
            PocketBaseTransportError: no answer came, or the connection broke.
            PocketBaseError: the answer is not a stream: the error of its status.
        """
        ...


@runtime_checkable
class Transport(HttpPort, SsePort, Protocol):
    """Both ports on one HTTP library."""

    async def aclose(self) -> None:
        """Close what the transport opened itself. May be called twice."""
        ...
