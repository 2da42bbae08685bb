"""Execution of calls: a request passes through the middleware to the transport, its response back to the parser."""

import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from .auth.store import AuthStore
from .calls.call import Call
from .calls.parsing import raise_for_status, reject_unrequested_partial_content
from .calls.paths import custom_path
from .calls.timeout import USE_CLIENT_DEFAULT
from .concurrency.event_loops import running_loop, start_lock
from .errors import PocketBaseError, not_event_stream, response_from_error
from .messages import ClientOptions, Headers, Request, Response, ServerSentEvent
from .messages.headers import NO_HEADERS
from .messages.json_values import default_loads
from .messages.request import derive_request
from .middleware import Middleware, Retry, chain
from .ports import StreamedResponse, Transport
from .transport import StreamingResponse, read_error_body
from .transport.discovery import check_transport, find_transport

T = TypeVar("T")


class SharedTransport:
    """The transport that a client shares with the clients of `with_auth_store`.

    Args:
        transport: The transport; None means the first installed one, which is looked up on first use.
    """

    def __init__(self, transport: Transport | None) -> None:
        self._transport = None if transport is None else check_transport(transport)

    def get(self) -> Transport:
        """Return the transport.

        Raises:
            RuntimeError: If no transport was passed and none is installed.
        """
        if self._transport is None:
            with start_lock:  # so that threads that come at once find the same one
                if self._transport is None:
                    self._transport = find_transport()
        return self._transport

    async def aclose(self) -> None:
        """Close the transport, unless it was never used and not passed either."""
        if self._transport is not None:
            await self._transport.aclose()


@dataclass(frozen=True, slots=True)
class Server:
    """The server and the settings that all users of a client share."""

    base_url: str
    transport: SharedTransport
    timeout: float | None
    """The default timeout of a call in seconds; None is no limit."""
    client_options: ClientOptions
    middleware: Sequence[Middleware] = ()
    """The middleware next to the transport, for a server whose version is known."""


class Pipeline:
    """Executes calls as one user.

    A `Call` becomes a `Request` with an absolute URL, headers and a timeout. The request passes through the middleware,
    the outermost first, to the transport. The response takes the same way back, and the parser of the call returns its
    value or raises its error. After a success, the effect of the call updates the auth store.

    Args:
        server: The server, and the settings that all users share.
        auth_store: The store of the user, whose token the middleware sets.
        middleware: The middleware, the outermost first.
        headers: A function that returns the client's headers for a request.
        has_credentials: Whether the client signs in by itself, so that no call is a guest's.
    """

    def __init__(
        self,
        server: Server,
        auth_store: AuthStore,
        middleware: Sequence[Middleware],
        headers: Callable[[], Mapping[str, str]],
        *,
        has_credentials: bool = False,
    ) -> None:
        self.base_url = server.base_url
        """The URL of the server, without a slash at its end."""
        self.timeout = server.timeout
        """The client's timeout in seconds; None is no limit."""
        self.json_loads = server.client_options.json_loads
        """The decoder of the client's JSON library."""
        self.has_credentials = has_credentials
        """True if the client signs in by itself, so that no call is a guest's."""
        self._server = server
        self._client_options = server.client_options
        self._headers = headers
        self._cached_headers: tuple[dict[str, str], Headers] = {}, Headers()
        self.change(auth_store, middleware)

    def __repr__(self) -> str:
        return f"Pipeline({self.base_url!r})"

    def change(self, auth_store: AuthStore, middleware: Sequence[Middleware]) -> None:
        """Execute the calls from now on with another store and other middleware. Calls in progress keep theirs."""
        self.auth_store = auth_store
        self._middleware = middleware
        self._send_through = chain(middleware, self._send)

    def snapshot(self) -> "Pipeline":
        """Return a pipeline that keeps the present store and the present middleware."""
        return copy.copy(self)

    def build_url(self, path: str) -> str:
        """Return the absolute URL of a path on the server."""
        return self.base_url + custom_path(path)

    async def execute(self, call: Call[T]) -> T:
        """Send a call through the middleware, and return the parsed response.

        Raises:
            PocketBaseError: If the request failed, or the parser rejects the response.
        """
        send = self._send_through if call.retries else chain(self._middleware_of(call), self._send)
        auth_store = self.auth_store
        try:
            response = await send(self._build_request(call))
        except RuntimeError:
            running_loop()  # raises a clear error if a loop of another library runs this, such as trio's
            raise
        value = call.parse(response)
        if call.effect is not None:
            call.effect(auth_store, value)
        return value

    @asynccontextmanager
    async def stream(self, call: Call[Any]) -> AsyncGenerator[StreamedResponse, None]:
        """Send a call through the middleware, and read the body of its response as it arrives.

        Middleware receives a response with an empty body.

        Raises:
            PocketBaseError: If the response is not a success.
        """
        loop = running_loop()
        async with AsyncExitStack() as stack:
            opened: list[StreamedResponse] = []

            async def open_stream(request: Request) -> Response:
                started = loop.time()
                await stack.aclose()  # close the response of the previous attempt
                opened.clear()
                streamed = await stack.enter_async_context(self._server.transport.get().stream(request))
                content = b""
                if 200 <= streamed.status_code < 300:
                    opened.append(streamed)
                else:
                    content = await read_error_body(request, streamed.status_code, streamed.aiter_bytes(), started)
                response = Response(streamed.status_code, streamed.headers, content, request.url, loads=self.json_loads)
                return reject_unrequested_partial_content(request, response)

            response = raise_for_status(await chain(self._middleware, open_stream)(self._build_request(call)))
            yield opened[0] if opened else StreamingResponse.from_response(response)  # a middleware made the response

    @asynccontextmanager
    async def events(self, call: Call[Any]) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
        """Send a call through the middleware, and read the server-sent events of its response.

        The stream ends with its connection: there is no reconnection here.

        Raises:
            PocketBaseError: If the response is not an event stream.
        """
        async with AsyncExitStack() as stack:
            opened: list[AsyncIterator[ServerSentEvent]] = []
            refusals: list[tuple[Response, PocketBaseError]] = []

            async def open_events(request: Request) -> Response:
                await stack.aclose()  # close the response of the previous attempt
                opened.clear()
                refusals.clear()
                try:
                    opened.append(await stack.enter_async_context(self._server.transport.get().events(request)))
                except PocketBaseError as error:
                    if error.status < 300:
                        raise
                    refusals.append((response_from_error(error), error))
                    return refusals[0][0]
                return Response(200, url=request.url)

            response = await chain(self._middleware_of(call), open_events)(self._build_request(call))
            for refusal, error in refusals:
                if refusal is response:
                    raise error
            if not opened or not 200 <= response.status_code < 300:  # a middleware made the response
                raise not_event_stream(response)
            yield opened[0]

    def _build_request(self, call: Call[Any]) -> Request:
        request, headers = call.request, self._headers()
        cached, client_headers = self._cached_headers
        if headers != cached:
            client_headers = Headers(headers)
            self._cached_headers = dict(headers), client_headers
        if request.headers is not NO_HEADERS:
            client_headers = client_headers | request.headers
        timeout = self.timeout if call.timeout is USE_CLIENT_DEFAULT else call.timeout
        return derive_request(request, self.base_url + request.url, client_headers, timeout, self._client_options)

    def _middleware_of(self, call: Call[Any]) -> Sequence[Middleware]:
        return [each for each in self._middleware if call.retries or not isinstance(each, Retry)]

    async def _send(self, request: Request) -> Response:
        response = await self._server.transport.get().send(request)
        if response.status_code == 206:
            reject_unrequested_partial_content(request, response)
        return response if self.json_loads is default_loads else response.replace(loads=self.json_loads)
