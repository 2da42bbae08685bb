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
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from ..calls.paths import segment
from ..errors import PocketBaseError
from ..messages import Request, Response
from ..messages.json_values import as_object

EXISTS = "validation_not_unique"
"""The code of the refusal of an id that exists."""
EXISTS_OR_WRONG = "validation_invalid_auth_id"
"""The same of auth collections, whose records share their ids; it may also say that an id has a wrong form."""
_ALPHABET = string.ascii_lowercase + string.digits
_RECORDS = re.compile(r".*/api/collections/[^/]+/records")
_FILE = re.compile(r"requests[.\[](\d+)")


class IdempotentCreate(NamedTuple):
    """A create, or a batch that begins with one, with the ids that were made for its new records.

    `places` lead to the errors of these ids; `reads` ask for what each member stored, None is a delete.
    """

    request: Request
    id_error_paths: Sequence[tuple[str, ...]]
    lookups: Sequence[Request | None]

    @property
    def is_batch(self) -> bool:
        return self.id_error_paths[0] != ("id",)

    def id_error(self, refused: PocketBaseError) -> dict[str, Any]:
        """Return what the server says about an id that was made here."""
        for place in self.id_error_paths:
            error = refused.field_errors
            for key in place:
                error = as_object(error.get(key))
            if error:
                return error
        return {}

    def answer(self, stored: Sequence[Response | None], refused: Response) -> Response:
        """Return the response that was lost, made of what the records are now."""
        if not self.is_batch and stored[0] is not None:
            return stored[0]
        answers = [
            {"status": 204, "body": None} if record is None else {"status": 200, "body": record.json()}
            for record in stored
        ]
        return Response(200, url=self.request.url, json=answers, loads=refused.loads)


def as_idempotent_create(request: Request) -> IdempotentCreate | None:
    """Return the create that a request is, or that a batch begins with, where the caller gave no id."""
    given = _mapping(request.body)
    if request.method != "POST" or given is None:
        return None
    if request.url.endswith("/api/batch"):
        return _batch(request, request.url.removesuffix("/api/batch"))
    path, mark, query = request.url.partition("?")
    if not _RECORDS.fullmatch(path) or not _lacks_id(given):
        return None
    body = _with_id(given)
    return IdempotentCreate(request.replace(body=body), [("id",)], [_get(request, f"{path}/{body['id']}{mark}{query}")])


def _batch(request: Request, base: str) -> IdempotentCreate | None:
    """Return the batch with ids for its new records.

    None stands for a batch that has no guard, or that must not be done twice if its guard is gone.
    """
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
    return IdempotentCreate(request.replace(body={**request.body, "requests": sent}), places, reads)


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
        """Return whether the path has no id: the member makes a record, or changes the one whose id the body has."""
        return self.method in ("POST", "PUT") and _RECORDS.fullmatch(self.path) is not None

    @property
    def is_new(self) -> bool:
        """Return whether the member is given an id here."""
        return self.creates and _lacks_id(self.body)

    @property
    def adds_to_what_is_stored(self) -> bool:
        """Return whether a record that exists is another one after the member was done twice."""
        modifiers = [key for key in self.body if key.startswith("+") or key.endswith(("+", "-"))]
        return self.method in ("PATCH", "PUT") and (self.has_files or bool(modifiers))


def _members(request: Request) -> list[_Member]:
    """Return the members of a batch; none where one of them is not understood."""
    given: Any = request.body.get("requests")
    requests: list[Any] = [*given] if isinstance(given, tuple) else []
    with_files = {match[1] for field, _ in request.files if (match := _FILE.match(field))}
    members: list[_Member] = []
    for number, member in enumerate(requests):
        described = _mapping(member)
        if described is None or not {"method", "url"} <= described.keys():
            return []
        body = _mapping(described.get("body") or {})
        if body is None or not _is_readable(body.get("id")):
            return []
        path, mark, query = str(described["url"]).partition("?")
        method = str(described["method"]).upper()
        members.append(_Member(described, method, path, mark + query, body, str(number) in with_files))
    return members


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def _lacks_id(body: Mapping[str, Any]) -> bool:
    """Return whether the server would make the id."""
    return body.get("id") in (None, "")


def _is_readable(record_id: object) -> bool:
    """Return whether a record of this id could be read by its path; a missing id is made here."""
    return record_id is None or (isinstance(record_id, str) and record_id not in (".", ".."))


def _with_id(body: Mapping[str, Any]) -> dict[str, Any]:
    import secrets  # imports much that only this needs

    return {**body, "id": "".join(secrets.choice(_ALPHABET) for _ in range(15))}


def _get(request: Request, url: str, params: Mapping[str, Any] | None = None) -> Request:
    changes: dict[str, Any] = {} if params is None else {"params": params}
    return request.replace(method="GET", url=url, body=None, files=(), **changes)
