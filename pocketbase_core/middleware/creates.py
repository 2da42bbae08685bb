"""Creates whose ids are made here, so that sending them again cannot add a second record.

A create is sent with an id that this client makes. If the answer is lost, the create is sent again with the same id.
The server refuses an id that exists, so the refusal proves that the first attempt was done, and a success proves that
it was not. Only this refusal guards a request: what it does not cover is sent once, as it is without the option.

A batch is done as a whole or not at all, and its members are done in order. So one guarded create guards all members,
and it has to be the first one: then no other member can be refused before it. This holds for a POST only. A PUT
(upsert) with an id that exists is an update, which the server does a second time, so a batch that begins with an upsert
has no guard. A create with an id of the caller's has none either: its refusal may be about an older record.

The guard is gone if somebody deletes the created record between two attempts. The second attempt then does everything
again. For a create that means that the record is there once, as if it had been made after the deletion. For the other
members of a batch:

- A create is there once too. So is an upsert without an id, as it is given one here.
- A delete finds nothing the second time, and the whole batch is refused.
- An update or upsert that sets values sets them to the same values.
- An update or upsert that adds to what is stored (`n+`, `n-`, `+docs`, `docs+`), or that uploads files, would add
  twice. A batch with such a member is sent once, and the caller gets the transport error; `request_sent` is None.

Records that are deleted right after they were made, as those of a queue, are no subject for this option.
"""

import re
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..call import parse_object
from ..errors import (
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseTransportError,
    error_from,
)
from ..messages import Request, Response
from ..paths import segment
from ..values import json_object
from .chain import Handler

Repeat = Callable[[Request, Handler], Awaitable[Response]]
"""Sends a request through a handler until the outcome is final."""

_ALPHABET = string.ascii_lowercase + string.digits
_RECORDS = re.compile(r".*/api/collections/[^/]+/records")
_FILE = re.compile(r"requests[.\[](\d+)")
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
    if not _RECORDS.fullmatch(path) or not _lacks_id(given):  # pyright: ignore[reportUnknownArgumentType]
        return None
    body = _with_id(given)  # pyright: ignore[reportUnknownArgumentType]
    return Create(request.replace(body=body), [("id",)], [_get(request, f"{path}/{body['id']}{mark}{query}")])


def _batch(request: Request, base: str) -> Create | None:
    """The batch with ids for its new records; None where it has no guard, or must not be done twice without one."""
    members = _members(request)
    if not members or not (members[0].is_new and members[0].method == "POST"):
        return None
    if any(member.adds_to_what_is_stored for member in members):
        return None
    sent: list[Mapping[str, Any]] = []
    places: list[tuple[str, ...]] = []
    reads: list[Request | None] = []
    for number, member in enumerate(members):
        described, path = member.described, member.path
        if member.creates:
            body = _with_id(member.body) if member.is_new else member.body
            if member.is_new:
                places.append(("requests", str(number), "response", "data", "id"))
            described, path = {**described, "body": body}, f"{path}/{segment(body['id'])}"
        sent.append(described)
        url = f"{base}{path}{member.query}"
        reads.append(None if member.method == "DELETE" else _get(request, url, {}))
    return Create(request.replace(body={**request.body, "requests": sent}), places, reads)


class _Member(NamedTuple):
    """A member of a batch, as it is sent."""

    described: Mapping[str, Any]
    method: str
    path: str
    query: str
    body: Mapping[str, Any]
    has_files: bool

    @property
    def creates(self) -> bool:
        """Whether its path has no id: it makes a record, or changes the one whose id the body has."""
        return self.method in ("POST", "PUT") and _RECORDS.fullmatch(self.path) is not None

    @property
    def is_new(self) -> bool:
        """Whether it is given an id here."""
        return self.creates and _lacks_id(self.body)

    @property
    def adds_to_what_is_stored(self) -> bool:
        """Whether doing it twice is not the same as doing it once, for a record that exists."""
        modifiers = [key for key in self.body if key.startswith("+") or key.endswith(("+", "-"))]
        return self.method in ("PATCH", "PUT") and (self.has_files or bool(modifiers))


def _members(request: Request) -> list[_Member]:
    """The members of a batch; none where one of them is not understood."""
    given: Any = request.body.get("requests")
    with_files = {match[1] for field, _ in request.files if (match := _FILE.match(field))}
    members: list[_Member] = []
    for number, described in enumerate(given if isinstance(given, tuple) else ()):  # pyright: ignore
        if not (isinstance(described, Mapping) and "method" in described and "url" in described):
            return []
        body = described.get("body") or {}
        if not isinstance(body, Mapping) or not _is_readable(body.get("id")):
            return []
        path, mark, query = str(described["url"]).partition("?")
        method = str(described["method"]).upper()
        members.append(_Member(described, method, path, mark + query, body, str(number) in with_files))
    return members


def _lacks_id(body: Mapping[str, Any]) -> bool:
    """Whether the server would make the id."""
    return body.get("id") in (None, "")


def _is_readable(record_id: object) -> bool:
    """Whether a record of this id could be read by its path; a missing id is made here."""
    return record_id is None or (isinstance(record_id, str) and record_id not in (".", ".."))


def _with_id(body: Mapping[str, Any]) -> dict[str, Any]:
    import secrets  # imports much that only this needs

    return {**body, "id": "".join(secrets.choice(_ALPHABET) for _ in range(15))}


def _get(request: Request, url: str, params: Mapping[str, Any] | None = None) -> Request:
    changes: dict[str, Any] = {} if params is None else {"params": params}
    return request.replace(method="GET", url=url, body=None, files=(), **changes)
