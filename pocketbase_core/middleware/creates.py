"""Creates whose ids are made here, so that sending them again cannot add a second record."""

import re
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..call import parse_object
from ..errors import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseTransportError,
    error_from,
)
from ..messages import Request, Response
from ..values import json_object
from .chain import Handler

Repeat = Callable[[Request, Handler], Awaitable[Response]]
"""Sends a request through a handler until the outcome is final."""

_ALPHABET = string.ascii_lowercase + string.digits
_RECORDS = re.compile(r".*/api/collections/[^/]+/records")
_EXISTS = "validation_not_unique"
_EXISTS_OR_WRONG = "validation_invalid_auth_id"
"""Said of auth collections, whose records share their ids."""


class Create:
    """A create, or a batch that begins with one.

    `places` lead to the errors of the ids that were made here; `reads` ask for what each member stored, None is a
    delete.
    """

    def __init__(self, request: Request, places: Sequence[tuple[str, ...]], reads: Sequence[Request | None]) -> None:
        self._request = request
        self._places = places
        self._reads = reads
        self._is_batch = places[0] != ("id",)
        self._in_doubt = False

    async def send(self, repeat: Repeat, call_next: Handler) -> Response:
        """The answer, or what is stored where the answer of an attempt that did it was lost.

        Raises:
            PocketBaseDecodeError: it was done, and what is stored cannot be read.
            PocketBaseTransportError: no answer came, or none that tells whether it was done.
        """

        async def attempt(request: Request) -> Response:
            try:
                answer = await call_next(request)
            except PocketBaseTransportError as error:
                self._in_doubt |= error.request_sent is not False
                raise
            self._in_doubt |= answer.status_code >= 500
            return answer

        answer = await repeat(self._request, attempt)
        if not 400 <= answer.status_code < 500:
            return answer
        refused = error_from(answer.replace(url=""))
        id_error = self._id_error(refused)
        code = id_error.get("code")
        if code not in (None, _EXISTS, _EXISTS_OR_WRONG):
            return _explained(answer, refused, id_error)
        # A rule or another unique field may refuse the second before its id does.
        if code is None and not self._in_doubt:
            return answer
        stored: list[Response | None] = []
        try:
            for read in self._reads:
                stored.append(None if read is None else await self._read(read, repeat, call_next))
        except PocketBaseDecodeError:
            if stored or code == _EXISTS:
                raise
            if not self._in_doubt:
                return answer
            message = f"nobody can know whether it was stored; sent again, it was refused: {refused}"
            raise PocketBaseConnectionError(self._request.url, message=message) from None
        return self._answer(stored, answer)

    async def _read(self, request: Request, repeat: Repeat, call_next: Handler) -> Response:
        what = "the batch was done, but a record of it" if self._is_batch else "the record was stored, but"
        try:
            stored = await repeat(request, call_next)
            parse_object(stored.replace(url=""))
        except PocketBaseError as error:
            raise PocketBaseDecodeError(self._request.url, 200, message=f"{what} cannot be read: {error}") from error
        return stored

    def _answer(self, stored: Sequence[Response | None], refused: Response) -> Response:
        if not self._is_batch and stored[0] is not None:
            return stored[0]
        answers = [
            {"status": 204, "body": None} if record is None else {"status": 200, "body": record.json()}
            for record in stored
        ]
        return Response(200, url=self._request.url, json=answers, loads=refused.loads)

    def _id_error(self, refused: PocketBaseError) -> dict[str, Any]:
        """What the server says about an id that was made here."""
        for place in self._places:
            error = refused.field_errors
            for key in place:
                error = json_object(error.get(key))
            if error:
                return error
        return {}


def _explained(answer: Response, refused: PocketBaseError, id_error: dict[str, Any]) -> Response:
    id_error["message"] = (
        f"{id_error.get('message')} The client made this id, as Retry(creates=True) asks for, and the collection wants"
        " ids of another form: give one yourself, or create its records without that option."
    )
    return Response(answer.status_code, answer.headers, url=answer.url, json=refused.data, loads=answer.loads)


def find_create(request: Request) -> Create | None:
    """The create that a request is, or that a batch begins with, where the caller gave no id."""
    given: Any = request.body
    if request.method != "POST" or not isinstance(given, Mapping):
        return None
    if request.url.endswith("/api/batch"):
        return _batch(request, request.url.removesuffix("/api/batch"))
    path, mark, query = request.url.partition("?")
    if not _RECORDS.fullmatch(path) or "id" in given:
        return None
    body = _with_id(given)  # pyright: ignore[reportUnknownArgumentType]
    return Create(request.replace(body=body), [("id",)], [_get(request, f"{path}/{body['id']}{mark}{query}")])


def _batch(request: Request, base: str) -> Create | None:
    members: list[dict[str, Any]] = []
    places: list[tuple[str, ...]] = []
    reads: list[Request | None] = []
    given: Sequence[Any] = request.body.get("requests") or ()
    if not all(isinstance(member, Mapping) and "method" in member and "url" in member for member in given):
        return None
    for number, member in enumerate(given):
        path, mark, query = str(member["url"]).partition("?")
        if _RECORDS.fullmatch(path):
            body: Mapping[str, Any] = member.get("body") or {}
            if "id" not in body:
                body = _with_id(body)
                places.append(("requests", str(number), "response", "data", "id"))
            member = {**member, "body": body}
            path = f"{path}/{body['id']}"
        if not places:
            return None
        members.append(member)
        reads.append(None if member["method"] == "DELETE" else _get(request, f"{base}{path}{mark}{query}", {}))
    return Create(request.replace(body={**request.body, "requests": members}), places, reads) if members else None


def _with_id(body: Mapping[str, Any]) -> dict[str, Any]:
    import secrets  # imports much that only this needs

    return {**body, "id": "".join(secrets.choice(_ALPHABET) for _ in range(15))}


def _get(request: Request, url: str, params: Mapping[str, Any] | None = None) -> Request:
    changes: dict[str, Any] = {} if params is None else {"params": params}
    return request.replace(method="GET", url=url, body=None, files=(), **changes)
