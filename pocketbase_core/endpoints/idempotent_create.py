"""Creates that can be repeated, because the client generates the id and the server refuses an id that exists.

Theory of operation:

A create is sent with an id that the client generates. If the response is lost, the create is sent again with the same
id. If the server refuses the id because it exists, the first attempt succeeded. If the repeated create succeeds, the
first attempt had not. The refusal of the id is the guard against a second record. A request without such a guard is
sent once, as it is without this option.

A batch succeeds or fails as a whole, and the server executes its sub-requests in order. One guarded create therefore
guards the whole batch, if it is the first sub-request: no other sub-request can be refused before it. The guard must be
a POST. A PUT (upsert) with an id that exists is an update, which the server executes a second time. A create with the
caller's own id is no guard either: its refusal may be about an older record.

The guard is gone if somebody deletes the created record between two attempts. The second attempt then has all its
effects again. A single create then creates the record once more, as if the record had been created after the deletion.
The other sub-requests of a batch:

- A create creates its record once more too. So does an upsert without an id, which is given one here.
- A delete finds nothing the second time, and the server refuses the whole batch.
- An update or upsert that sets values sets the same values again.
- An update or upsert that adds to stored values (`n+`, `n-`, `+docs`, `docs+`), or that uploads files, would add twice.
  A batch with such a sub-request is sent once. If the response is lost, the caller gets the transport error, whose
  `request_sent` is None.

The option is therefore not for records that are deleted soon after they were created, such as those of a queue.
"""

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from ..calls.paths import segment
from ..concurrency.event_loops import start_lock
from ..errors import PocketBaseError
from ..messages import Request, Response
from ..messages.json_values import as_object

ID_EXISTS = "validation_not_unique"
"""The error code for an id that exists."""
ID_EXISTS_OR_INVALID = "validation_invalid_auth_id"
"""The error code of auth collections, among which ids are unique: the id exists, or it has an invalid form."""
_ALPHABET = string.ascii_lowercase + string.digits
_RECORDS = re.compile(r".*/api/collections/[^/]+/records")
_FILE_FIELD = re.compile(r"requests[.\[](\d+)")


class IdempotentCreate(NamedTuple):
    """A create, or a batch that begins with one, with generated ids."""

    request: Request
    """The request with the generated ids."""
    id_error_paths: Sequence[tuple[str, ...]]
    """For each generated id, the keys that lead to its error in the `data` of a refusal."""
    lookups: Sequence[Request | None]
    """For each sub-request, the GET that returns the record which the sub-request stored; None for a delete."""

    @property
    def is_batch(self) -> bool:
        """True if the request is a batch."""
        return self.id_error_paths[0] != ("id",)

    def id_error(self, refusal: PocketBaseError) -> dict[str, Any]:
        """Return the error of the first generated id that the server refused; `{}` if it refused none of them."""
        for path in self.id_error_paths:
            error = refusal.field_errors
            for key in path:
                error = as_object(error.get(key))
            if error:
                return error
        return {}

    def build_response(self, stored: Sequence[Response | None], refused: Response) -> Response:
        """Build a replacement for the response that was lost.

        Args:
            stored: The responses to the lookups.
            refused: The response to the last attempt, whose JSON decoder is used again.
        """
        if not self.is_batch and stored[0] is not None:
            return stored[0]
        results = [
            {"status": 204, "body": None} if record is None else {"status": 200, "body": record.json()}
            for record in stored
        ]
        return Response(200, url=self.request.url, json=results, loads=refused.loads)


def as_idempotent_create(request: Request) -> IdempotentCreate | None:
    """Give a create or a batch the ids that make it repeatable.

    Returns:
        None if the request is neither, or if a repetition could do harm.
    """
    body = _as_mapping(request.body)
    if request.method != "POST" or body is None:
        return None
    if request.url.endswith("/api/batch"):
        return _as_idempotent_batch(request, request.url.removesuffix("/api/batch"))
    path, mark, query = request.url.partition("?")
    if not _RECORDS.fullmatch(path) or not _has_no_id(body):
        return None
    body = _with_new_id(body)
    lookup = _lookup(request, f"{path}/{body['id']}{mark}{query}")
    return IdempotentCreate(request.replace(body=body), [("id",)], [lookup])


def _as_idempotent_batch(request: Request, base_url: str) -> IdempotentCreate | None:
    sub_requests = _parse_sub_requests(request)
    if not sub_requests or not (sub_requests[0].needs_id and sub_requests[0].method == "POST"):
        return None
    if any(sub_request.adds_to_stored_values for sub_request in sub_requests):
        return None
    sent: list[Mapping[str, Any]] = []
    id_error_paths: list[tuple[str, ...]] = []
    lookups: list[Request | None] = []
    for number, sub_request in enumerate(sub_requests):
        content, path = sub_request.content, sub_request.path
        if sub_request.is_create_or_upsert:
            body = sub_request.body
            if sub_request.needs_id:
                body = _with_new_id(body)
                id_error_paths.append(("requests", str(number), "response", "data", "id"))
            content, path = {**content, "body": body}, f"{path}/{segment(body['id'])}"
        sent.append(content)
        url = f"{base_url}{path}{sub_request.query}"
        lookups.append(None if sub_request.method == "DELETE" else _lookup(request, url, {}))
    return IdempotentCreate(request.replace(body={**request.body, "requests": sent}), id_error_paths, lookups)


class _SubRequest(NamedTuple):
    """A sub-request of a batch."""

    content: Mapping[str, Any]
    """The sub-request as the caller gave it: `{"method", "url", "body"?}`."""
    method: str
    path: str
    query: str
    body: Mapping[str, Any]
    has_files: bool

    @property
    def is_create_or_upsert(self) -> bool:
        """True if the path has no id: the record is a new one, or the one whose id is in the body."""
        return self.method in ("POST", "PUT") and _RECORDS.fullmatch(self.path) is not None

    @property
    def needs_id(self) -> bool:
        """True if the server would generate the id of a new record."""
        return self.is_create_or_upsert and _has_no_id(self.body)

    @property
    def adds_to_stored_values(self) -> bool:
        """True if the sub-request would change an existing record again each time it is executed."""
        modifiers = [key for key in self.body if key.startswith("+") or key.endswith(("+", "-"))]
        return self.method in ("PATCH", "PUT") and (self.has_files or bool(modifiers))


def _parse_sub_requests(request: Request) -> list[_SubRequest]:
    """Return the sub-requests of a batch; an empty list if one of them has an unknown form."""
    requests: Any = request.body.get("requests")
    contents: list[Any] = [*requests] if isinstance(requests, tuple) else []
    with_files = {match[1] for field, _ in request.files if (match := _FILE_FIELD.match(field))}
    sub_requests: list[_SubRequest] = []
    for number, each in enumerate(contents):
        content = _as_mapping(each)
        if content is None or not {"method", "url"} <= content.keys():
            return []
        body = _as_mapping(content.get("body") or {})
        if body is None or not _can_be_looked_up(body.get("id")):
            return []
        path, mark, query = str(content["url"]).partition("?")
        method = str(content["method"]).upper()
        sub_requests.append(_SubRequest(content, method, path, mark + query, body, str(number) in with_files))
    return sub_requests


def _as_mapping(value: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def _has_no_id(body: Mapping[str, Any]) -> bool:
    """Return whether the server would generate the id."""
    return body.get("id") in (None, "")


def _can_be_looked_up(record_id: object) -> bool:
    """Return whether the id can be part of a path. A missing id can: it is generated here."""
    return record_id is None or (isinstance(record_id, str) and record_id not in (".", ".."))


def _with_new_id(body: Mapping[str, Any]) -> dict[str, Any]:
    with start_lock:
        import secrets  # imports many modules that nothing else needs
    return {**body, "id": "".join(secrets.choice(_ALPHABET) for _ in range(15))}


def _lookup(request: Request, url: str, params: Mapping[str, Any] | None = None) -> Request:
    """Return the GET of a record; its query parameters are those of the create unless `params` is given."""
    changes: dict[str, Any] = {} if params is None else {"params": params}
    return request.replace(method="GET", url=url, body=None, files=(), **changes)
