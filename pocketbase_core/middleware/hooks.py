"""Middleware that calls a function before a request is sent, or after its response."""

import inspect
from collections.abc import Awaitable, Callable

from ..messages import Request, RequestDraft, Response
from .chain import Handler
from .checks import check_hook

_RequestResult = Request | RequestDraft | None
_ResponseResult = Response | None


class BeforeSend:
    """Middleware that passes each request to a hook, and sends the request that the hook returns.

    Args:
        hook: A function or a coroutine function. It is called with a draft, which it may edit in place. It returns a
            draft, a request, or None, which sends the request without the edits.

    Raises:
        TypeError: If the hook cannot be called with one argument.
    """

    def __init__(self, hook: Callable[[RequestDraft], _RequestResult | Awaitable[_RequestResult]]) -> None:
        check_hook("before_send", hook, "request")
        self.hook = hook
        """The function that is called."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Call the hook, and send the request that it returns.

        Raises:
            TypeError: If the hook returns anything else. Nothing was sent.
        """
        draft = RequestDraft.from_request(request)
        edited = self.hook(draft)
        if inspect.isawaitable(edited):
            edited = await edited
        if edited is None:
            edited = request
        if isinstance(edited, RequestDraft):
            edited = edited.freeze()
        if not isinstance(edited, Request):
            raise TypeError(f"before_send must return a Request, a RequestDraft or None, not {type(edited).__name__}")
        return await call_next(edited)


class AfterSend:
    """Middleware that passes each response to a hook, and returns the response that the hook returns.

    Args:
        hook: A function or a coroutine function. It is called with the response. It returns a response, or None, which
            keeps the response as it is.

    Raises:
        TypeError: If the hook cannot be called with one argument.
    """

    def __init__(self, hook: Callable[[Response], _ResponseResult | Awaitable[_ResponseResult]]) -> None:
        check_hook("after_send", hook, "response")
        self.hook = hook
        """The function that is called."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Send the request, and return the response that the hook returns.

        Raises:
            TypeError: If the hook returns anything else.
        """
        response = await call_next(request)
        edited = self.hook(response)
        if inspect.isawaitable(edited):
            edited = await edited
        if edited is None:
            return response
        if not isinstance(edited, Response):
            raise TypeError(f"after_send must return a Response or None, not {type(edited).__name__}")
        return edited
