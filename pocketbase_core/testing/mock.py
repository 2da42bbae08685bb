"""A client for tests without a server."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from ..client import PocketBase
from ..messages import Request, Response
from ..ports import Transport


class PocketBaseMock:
    """A client whose requests a test answers. Nothing is sent.

    Until `handler` or `responses` is set, each request raises an AssertionError.
    """

    client: PocketBase
    """A client on `transport` that is not signed in."""
    transport: Transport
    """The transport, for other clients, with and without `await`."""
    requests: list[Request]
    """Each request that reached the transport, in order. A retry is a request of its own."""
    handler: Callable[[Request], Response | Awaitable[Response]]
    """The function or coroutine function that returns the response to a request."""

    def __init__(self) -> None:
        self.requests = []
        self.handler = _refuse
        # The core imports no adapter: each of them imports the core.
        self.transport = import_module("pocketbase_transports").MockTransport(self._respond)
        self.client = PocketBase("http://pocketbase.test", transport=self.transport)

    def responses(self, *responses: Response) -> None:
        """Answer the next requests with these responses, in order. A further request raises an AssertionError."""
        remaining = iter(responses)
        self.handler = lambda request: next(remaining, None) or _refuse(request)

    def _respond(self, request: Request) -> Response | Awaitable[Response]:
        self.requests.append(request)
        return self.handler(request)


def _refuse(request: Request) -> Response:
    raise AssertionError(f"no response is set for the request {request.method} {request.url}")
