"""Errors of PocketBase 0.22 in the form of the current version."""

import re
from collections.abc import Mapping
from typing import Any

from ...auth.token import SUPERUSERS_ID, subject
from ...messages import Request
from ...messages.json_values import as_object

_ADMINS_ONLY = "The request requires valid admin authorization token to be set."
_RECORDS_ONLY = "The request requires valid record authorization token to be set."
_GUEST = "The request requires valid record authorization token."
_SUPERUSERS_ONLY = "Only superusers can perform this action."
MISSING = "The requested resource wasn't found."
_MESSAGES = {
    "Only admins can perform this action.": _SUPERUSERS_ONLY,
    "Not Found.": "File not found.",
    _ADMINS_ONLY: _GUEST,
    "The request requires admin or record authorization token to be set.": _GUEST,
    _RECORDS_ONLY: _GUEST,
}
_NOT_ALLOWED = "The authorized record is not allowed to perform this action."
_ADMINS = re.compile(r"(?:POST .*/api/admins|(?:GET|PATCH|DELETE) .*/api/admins(?:/[^/]+)?)")
"""The routes in place of those for records of `_superusers`, whose API rules are never set."""
_RECORDS = re.compile(r".*/(?:records|admins)(?:/[^/]+)?")
_ID_CODES = {"validation_invalid_id": "validation_not_unique", "validation_match_invalid": "validation_invalid_format"}
_ID_LENGTH = 15
_FORM_MESSAGES = (
    "Something went wrong while processing your request.",
    "Failed to load the submitted data due to invalid formatting.",
)
"""The messages of a body that was refused, with the errors of its fields."""
_FIELD_ERRORS = {
    "Missing required value.": {"message": "Cannot be blank."},
    "The field contains unknown filenames.": {"code": "validation_invalid_file", "message": "Invalid new files."},
}
"""Errors of fields by their messages, with what the current version has in them."""


def current_error(request: Request, status: int, error: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that the current version would respond with.

    Args:
        request: The request as PocketBase 0.22 received it.
        status: The status of the response.
        error: The body of the response: `{"code", "message", "data"}`.
    """
    message, data = str(error.get("message")), dict(as_object(error.get("data")))
    path = request.url.partition("?")[0]
    if status == 401 and _ADMINS.fullmatch(f"{request.method} {path}"):
        return 403, {"status": 403, "message": _SUPERUSERS_ONLY, "data": data}
    if status == 403 and "/api/files/" in path:
        return 404, {"status": 404, "message": MISSING, "data": data}  # a protected file
    if status == 401 and _is_of_other_kind(request, message):
        return 403, {"status": 403, "message": _NOT_ALLOWED, "data": data}
    if status == 400 and path.endswith("/api/files/token") and not data:
        # PocketBase 0.22 has this error for guests, and so for a token that was revoked.
        return 401, {"status": 401, "message": _GUEST, "data": data}
    if message in _FORM_MESSAGES and data:
        message = _form_message(request.method, path)
    data = {name: _current_field_error(error) for name, error in data.items()}
    if _RECORDS.fullmatch(path) and "id" in data:
        sent = {} if isinstance(request.body, bytes) or request.sources else as_object(request.json())
        data["id"] = _current_id_error(as_object(data["id"]), sent.get("id"))
    return status, {"status": status, "message": _MESSAGES.get(message, message), "data": data}


def _is_of_other_kind(request: Request, message: str) -> bool:
    """Return whether a user is signed in whose kind is not the one that the message asks for.

    PocketBase 0.22 has the same error for a user of the right kind whose token was revoked, and who is a guest by that.
    """
    collection, _ = subject(request.headers.get("Authorization", ""))
    wanted = {_ADMINS_ONLY: True, _RECORDS_ONLY: False}.get(message)
    return None not in (collection, wanted) and (collection == SUPERUSERS_ID) is not wanted


def _form_message(method: str, path: str) -> str:
    if _RECORDS.fullmatch(path):
        return "Failed to update record." if method == "PATCH" else "Failed to create record."
    return "An error occurred while validating the submitted data."


def _current_field_error(error: Any) -> Any:
    fields = as_object(error)
    return {**fields, **_FIELD_ERRORS.get(str(fields.get("message")), {})} if fields else error


def _current_id_error(error: Mapping[str, Any], record_id: object) -> dict[str, Any]:
    code = error.get("code")
    if code == "validation_length_invalid":
        too_long = isinstance(record_id, str) and len(record_id) > _ID_LENGTH
        return {**error, "code": f"validation_{'max' if too_long else 'min'}_text_constraint"}
    return {**error, "code": _ID_CODES.get(str(code), code)}
