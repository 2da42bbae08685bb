"""The ports: the interface between the core and an HTTP library.

A transport implements them on one library. The adapters of this project are in `pocketbase_transports`, and their
common parts in `pocketbase_core.transport`.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from .messages import Headers, Request, Response, ServerSentEvent

__all__ = ["HttpPort", "SsePort", "StreamedResponse", "Transport"]


class StreamedResponse(Protocol):
    """A response whose body is read as it arrives."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """The response's headers."""
        ...

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Iterate over the decompressed body in chunks.

        Raises:
            PocketBaseTransportError: If the connection breaks, or no byte arrives within the timeout.
            PocketBaseDecodeError: If the body cannot be decompressed.
        """
        ...


class HttpPort(Protocol):
    """Requests and responses.

    A response with any status is returned: only a missing response is an error. Redirects are not followed.
    """

    async def send(self, request: Request) -> Response:
        """Return the response, whose body is read to its end within the request's timeout.

        Raises:
            PocketBaseTransportError: If no complete response arrives. `request_sent` of the error is False if nothing
                was sent, None if the request may have arrived, True if the response had begun.
            PocketBaseDecodeError: If the response is larger than `max_response_bytes`, or cannot be decompressed.
        """
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a response, whose body is read as it arrives.

        The timeout limits the wait for the headers, and after that the wait for each chunk.

        Raises:
            PocketBaseTransportError: If no response arrives.
        """
        ...


class SsePort(Protocol):
    """Server-sent events. The port never reconnects."""

    def events(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]:
        """Open a stream of events. The iterator ends when the body ends.

        The timeout limits the wait for the headers only.

        Raises:
            PocketBaseTransportError: If no response arrives, or the connection breaks.
            PocketBaseError: If the response is not a stream of events: the error of its status.
        """
        ...


@runtime_checkable
class Transport(HttpPort, SsePort, Protocol):
    """Both ports on one HTTP library."""

    async def aclose(self) -> None:
        """Close the sessions that the transport has opened. May be called twice."""
        ...
