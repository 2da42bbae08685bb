"""The chain of middleware in front of a port."""

from collections.abc import Awaitable, Callable, Sequence

from ..messages import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Handler], Awaitable[Response]]


def chain(middleware: Sequence[Middleware], send: Handler) -> Handler:
    """Return one handler that passes a request through the middleware, the first outermost, and then to `send`."""
    for each in reversed(middleware):
        send = _bind(each, send)
    return send


def _bind(middleware: Middleware, call_next: Handler) -> Handler:
    def handle(request: Request) -> Awaitable[Response]:
        return middleware(request, call_next)

    return handle
