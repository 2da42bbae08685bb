"""A create that is sent again after its answer was lost: see `pocketbase_core/endpoints/idempotent_create.py`."""

from collections.abc import Awaitable, Callable
from typing import Any

from ..calls.parsing import parse_object
from ..endpoints.idempotent_create import EXISTS, EXISTS_OR_WRONG, IdempotentCreate
from ..errors import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseTransportError,
    error_from_response,
)
from ..messages import Request, Response
from .chain import Handler

Resend = Callable[[Request, Handler], Awaitable[Response]]
"""Sends a request through a handler until the outcome is final."""


class CreateRetry:
    """A create that is sent until its outcome is known."""

    def __init__(self, create: IdempotentCreate) -> None:
        self._create = create
        self._may_have_succeeded = False

    async def send(self, repeat: Resend, call_next: Handler) -> Response:
        """Return the response, or what is stored where the response of an attempt that did it was lost.

        Raises:
            PocketBaseDecodeError: the create was done, and what is stored cannot be read.
            PocketBaseTransportError: no response came, or none that tells whether the create was done.
        """
        answer = await repeat(self._create.request, self._watched(call_next))
        if not 400 <= answer.status_code < 500:
            return answer
        refused = error_from_response(answer.replace(url=""))
        id_error = self._create.id_error(refused)
        code = id_error.get("code")
        if code not in (None, EXISTS, EXISTS_OR_WRONG):
            return _with_hint(answer, refused, id_error)
        # A rule or another unique field may refuse the second before its id does.
        if code is None and not self._may_have_succeeded:
            return answer
        stored: list[Response | None] = []
        try:
            for read in self._create.lookups:
                stored.append(None if read is None else await self._read(read, repeat, call_next))
        except PocketBaseDecodeError:
            if stored or code == EXISTS:
                raise
            if not self._may_have_succeeded:
                return answer
            message = f"nobody can know whether the first attempt was done; a later one was refused: {refused}"
            raise PocketBaseConnectionError(self._create.request.url, message=message) from None
        return self._create.answer(stored, answer)

    def _watched(self, call_next: Handler) -> Handler:
        """Return a handler that also notes whether the create may have been done."""

        async def attempt(request: Request) -> Response:
            try:
                answer = await call_next(request)
            except PocketBaseTransportError as error:
                self._may_have_succeeded |= error.request_sent is not False
                raise
            self._may_have_succeeded |= answer.status_code >= 500
            return answer

        return attempt

    async def _read(self, request: Request, repeat: Resend, call_next: Handler) -> Response:
        what = "the batch was done, but a record of it" if self._create.is_batch else "the record was stored, but"
        try:
            stored = await repeat(request, call_next)
            parse_object(stored.replace(url=""))
        except PocketBaseError as error:
            raise PocketBaseDecodeError(
                self._create.request.url, 200, message=f"{what} cannot be read: {error}"
            ) from error
        return stored


def _with_hint(answer: Response, refused: PocketBaseError, id_error: dict[str, Any]) -> Response:
    id_error["message"] = (
        f"{id_error.get('message')} The client made this id, as Retry(creates=True) asks for, and the collection wants"
        " ids of another form: give one yourself, or create its records without that option."
    )
    return Response(answer.status_code, answer.headers, url=answer.url, json=refused.data, loads=answer.loads)
