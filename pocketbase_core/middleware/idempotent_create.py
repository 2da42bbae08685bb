"""A create that is repeated until its outcome is known: see `pocketbase_core/endpoints/idempotent_create.py`.

Theory of operation: `CreateRetry` sends the create with its generated ids, and repeats it like a read. The final
response decides:

- A success or a server error (5xx) is the outcome.
- A refusal (4xx) because a generated id exists means that an earlier attempt succeeded. The stored records are looked
  up, and their content takes the place of the response that was lost. A record that cannot be read is a decode error.
- A refusal because a generated id has an invalid form is the outcome. It gets a hint that the client generated the id.
  In auth collections the same error code may also mean that the id exists: only the lookup shows which.
- Any other refusal is the outcome if no earlier attempt can have succeeded. Otherwise it is ambiguous, because a rule
  or another unique field may refuse a repeated create before its id is checked. The records are looked up. If they
  exist, an earlier attempt succeeded. If the lookup fails, the records may not exist, or this user may not see them:
  the call raises a connection error.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ..calls.parsing import parse_object
from ..endpoints.idempotent_create import ID_EXISTS, ID_EXISTS_OR_INVALID, IdempotentCreate
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
"""Sends a request through a handler until its outcome is final."""


class CreateRetry:
    """A create that is sent until its outcome is known.

    Args:
        create: The create, with its generated ids.
        resend: Sends a request, and repeats it like a read.
        call_next: Sends one attempt.
    """

    def __init__(self, create: IdempotentCreate, resend: Resend, call_next: Handler) -> None:
        self._create = create
        self._resend = resend
        self._call_next = call_next
        self._may_have_succeeded = False
        """True once the response to an attempt was lost, or was a server error."""

    async def send(self) -> Response:
        """Return the server's response, or one made of the stored records if the original response was lost.

        Raises:
            PocketBaseDecodeError: If the create succeeded, and a stored record cannot be read.
            PocketBaseTransportError: If no response came, or none that shows whether the create succeeded.
        """
        response = await self._resend(self._create.request, self._send_attempt)
        if not 400 <= response.status_code < 500:
            return response
        refusal = error_from_response(response.replace(url=""))
        id_error = self._create.id_error(refusal)
        code = id_error.get("code")
        if code not in (None, ID_EXISTS, ID_EXISTS_OR_INVALID):
            return _with_hint(response, refusal, id_error)
        if code is None and not self._may_have_succeeded:
            return response
        return await self._look_up(response, refusal, code)

    async def _look_up(self, response: Response, refusal: PocketBaseError, code: object) -> Response:
        """Return the response that was lost, made of the stored records, or `response` if the create did not succeed.

        Args:
            response: The response to the last attempt, a refusal.
            refusal: The same as an error.
            code: The error code of a generated id; None if the refusal has another reason.
        """
        stored: list[Response | None] = []
        try:
            for lookup in self._create.lookups:
                stored.append(None if lookup is None else await self._fetch(lookup))
        except PocketBaseDecodeError:
            if stored or code == ID_EXISTS:
                raise
            if not self._may_have_succeeded:
                return response
            message = f"it is unknown whether the first attempt succeeded; a later one was refused: {refusal}"
            raise PocketBaseConnectionError(self._create.request.url, message=message) from None
        return self._create.build_response(stored, response)

    async def _send_attempt(self, request: Request) -> Response:
        try:
            response = await self._call_next(request)
        except PocketBaseTransportError as error:
            self._may_have_succeeded |= error.request_sent is not False
            raise
        self._may_have_succeeded |= response.status_code >= 500
        return response

    async def _fetch(self, lookup: Request) -> Response:
        try:
            stored = await self._resend(lookup, self._call_next)
            parse_object(stored.replace(url=""))
        except PocketBaseError as error:
            done = "the batch succeeded, but a record of it" if self._create.is_batch else "the record was stored, but"
            message = f"{done} cannot be read: {error}"
            raise PocketBaseDecodeError(self._create.request.url, 200, message=message) from error
        return stored


def _with_hint(response: Response, refusal: PocketBaseError, id_error: dict[str, Any]) -> Response:
    """Return the response with a message for the caller, who does not know of the generated id."""
    id_error["message"] = (
        f"{id_error.get('message')} The client generated this id because of Retry(creates=True), and the collection"
        " requires ids of another form: pass an id of your own, or create its records without this option."
    )
    return Response(response.status_code, response.headers, url=response.url, json=refusal.data, loads=response.loads)
