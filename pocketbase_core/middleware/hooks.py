"""Functions to call before a request and after its answer."""

import inspect
from collections.abc import Awaitable, Callable

from ..messages import Request, RequestDraft, Response
from .chain import Handler

_Edited = Request | RequestDraft | None
_Answer = Response | None


class BeforeSend:
    """Hands each request to `hook` as an editable draft; sends what it returns, for None the request as it was."""

    def __init__(self, hook: Callable[[RequestDraft], _Edited | Awaitable[_Edited]]) -> None:
        self._hook = hook

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        draft = RequestDraft.from_request(request)
        edited = self._hook(draft)
        if inspect.isawaitable(edited):
            edited = await edited
        if edited is None:
            edited = request
        if isinstance(edited, RequestDraft):
            edited = edited.freeze()
        if not isinstance(edited, Request):
            raise TypeError(f"before_send returned {type(edited).__name__}, not a request")
        return await call_next(edited)


class AfterSend:
    """Hands each answer to `hook`, and on what it returns, or the answer for None."""

    def __init__(self, hook: Callable[[Response], _Answer | Awaitable[_Answer]]) -> None:
        self._hook = hook

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        edited = self._hook(response)
        if inspect.isawaitable(edited):
            edited = await edited
        if edited is None:
            return response
        if not isinstance(edited, Response):
            raise TypeError(f"after_send returned {type(edited).__name__}, not a response")
        return edited
