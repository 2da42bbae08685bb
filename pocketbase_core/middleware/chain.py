"""The chain of middleware in front of a port."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..messages import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
"""The rest of the chain, which a middleware calls as `await call_next(request)`."""
Middleware = Callable[[Request, Handler], Awaitable[Response]]
"""A function that a request passes through: `async def middleware(request, call_next) -> Response`."""
_PREFIX = f"{__package__}."


def chain(middleware: Sequence[Middleware], send: Handler) -> Handler:
    """Return one handler that passes a request through the middleware, the first outermost, and then to `send`."""
    for each in reversed(middleware):
        send = _bind(each, send) if is_ready_made(each) else _bind_checked(each, send)
    return send


def is_ready_made(middleware: object) -> bool:
    """Return whether a middleware is one of this library's own."""
    return type(middleware).__module__.startswith(_PREFIX)


def middleware_name(middleware: object) -> str:
    """Return the name of a middleware for an error."""
    return getattr(middleware, "__qualname__", None) or type(middleware).__qualname__


# The functions below are named `call_next` because Python's error for a wrong call shows that name.


def _bind(middleware: Any, next_handler: Handler) -> Handler:
    # Calling the bound method takes half the time of calling the object.
    call: Middleware = middleware.__call__

    def call_next(request: Request) -> Awaitable[Response]:
        return call(request, next_handler)

    return call_next


def _bind_checked(middleware: Middleware, next_handler: Handler) -> Handler:
    async def call_next(request: Request) -> Response:
        result: object = middleware(request, next_handler)
        response: object = await result if isinstance(result, Awaitable) else None
        if not isinstance(response, Response):
            returned = response if isinstance(result, Awaitable) else result
            raise TypeError(
                f"the middleware {middleware_name(middleware)} must be a coroutine function that returns a Response, "
                f"such as `return await call_next(request)`; it returned {type(returned).__name__}"
            )
        return response

    return call_next
