"""The errors of PocketBase 0.22 in the form of the current version."""

from typing import Any

import pytest

from pocketbase_core import Request
from pocketbase_core.middleware.legacy.errors import current_error

from ....helpers.tokens import legacy_token

USER = {"Authorization": legacy_token("authRecord", collectionId="users", id="u")}
ADMIN = {"Authorization": legacy_token("admin", id="a")}
RECORDS_ONLY = "The request requires valid record authorization token to be set."
ADMINS_ONLY = "The request requires valid admin authorization token to be set."
FORM = "Something went wrong while processing your request."
A_FIELD = {"title": {"code": "validation_x", "message": "No."}}


def translated(
    method: str, path: str, status: int, message: str, data: dict[str, Any] | None = None, **request: Any
) -> tuple[int, str, Any]:
    sent = Request(method, f"http://h/api{path}", **request)
    status, body = current_error(sent, status, {"code": status, "message": message, "data": data or {}})
    assert body["status"] == status
    return status, body["message"], body["data"]


def test_the_messages_are_those_of_the_current_version() -> None:
    assert translated("GET", "/collections/p/records", 403, "Only admins can perform this action.") == (
        403,
        "Only superusers can perform this action.",
        {},
    )
    assert translated("GET", "/nope", 404, "Not Found.")[1] == "File not found."


@pytest.mark.parametrize(("message", "revoked", "other"), [(ADMINS_ONLY, ADMIN, USER), (RECORDS_ONLY, USER, ADMIN)])
def test_a_guest_is_not_authorized_and_a_user_of_the_other_kind_not_allowed(
    message: str, revoked: dict[str, str], other: dict[str, str]
) -> None:
    for headers in ({}, revoked, {"Authorization": "Bearer " + revoked["Authorization"]}):
        as_guest = translated("GET", "/settings", 401, message, headers=headers)
        assert as_guest == (401, "The request requires valid record authorization token.", {})
    as_other = translated("GET", "/settings", 401, message, headers=other)
    assert as_other == (403, "The authorized record is not allowed to perform this action.", {})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/a"), ("PATCH", "/a"), ("DELETE", "/a")]
)
@pytest.mark.parametrize("headers", [{}, USER])
def test_the_records_of_superusers_are_for_superusers_only(method: str, path: str, headers: dict[str, str]) -> None:
    refused = translated(method, f"/admins{path}", 401, ADMINS_ONLY, headers=headers)
    assert refused == (403, "Only superusers can perform this action.", {})
    assert translated("POST", "/admins/auth-refresh", 401, ADMINS_ONLY)[0] == 401


def test_a_protected_file_is_missing_for_those_who_may_not_see_it() -> None:
    message = "Insufficient permissions to access the file resource."
    assert translated("GET", "/files/p/a/x.txt", 403, message)[:2] == (404, "The requested resource wasn't found.")
    assert translated("GET", "/backups/x.zip", 403, message)[0] == 403


def test_a_guest_gets_no_file_token() -> None:
    message = "Failed to generate file token."
    assert translated("POST", "/files/token", 400, message, headers=USER)[0] == 401
    assert translated("POST", "/other", 400, message)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("POST", "/collections/p/records", "Failed to create record."),
        ("PATCH", "/collections/p/records/a", "Failed to update record."),
        ("POST", "/admins", "Failed to create record."),
        ("PATCH", "/settings", "An error occurred while validating the submitted data."),
    ],
)
def test_a_refused_body_has_the_message_of_its_route(method: str, path: str, message: str) -> None:
    for form in (FORM, "Failed to load the submitted data due to invalid formatting."):
        assert translated(method, path, 400, form, A_FIELD)[1:] == (message, A_FIELD)
        assert translated(method, path, 400, form)[1] == form


@pytest.mark.parametrize(
    ("legacy", "code", "message"),
    [
        ("Missing required value.", "validation_x", "Cannot be blank."),
        ("The field contains unknown filenames.", "validation_invalid_file", "Invalid new files."),
    ],
)
def test_the_error_of_a_field_is_that_of_the_current_version(legacy: str, code: str, message: str) -> None:
    errors = {"title": {"code": "validation_x", "message": legacy}, "other": "no error"}
    current = {"title": {"code": code, "message": message}, "other": "no error"}
    assert translated("POST", "/collections/p/records", 400, FORM, errors)[2] == current


@pytest.mark.parametrize(
    ("legacy", "record_id", "current"),
    [
        ("validation_invalid_id", "a" * 15, "validation_not_unique"),
        ("validation_match_invalid", "." * 15, "validation_invalid_format"),
        ("validation_length_invalid", "a", "validation_min_text_constraint"),
        ("validation_length_invalid", "a" * 16, "validation_max_text_constraint"),
        ("validation_other", "a", "validation_other"),
    ],
)
def test_the_error_of_an_id_has_the_current_code(legacy: str, record_id: str, current: str) -> None:
    data = {"id": {"code": legacy, "message": "No."}}
    _, _, errors = translated(
        "POST", "/collections/p/records", 400, "Failed to create record.", data, body={"id": record_id}
    )
    assert errors == {"id": {"code": current, "message": "No."}}


def test_an_error_of_an_id_is_left_alone_if_it_is_of_no_record() -> None:
    data = {"id": {"code": "validation_invalid_id", "message": "No."}}
    assert translated("POST", "/collections", 400, "Failed.", data, body={"id": "a"})[2] == data
    assert translated("POST", "/collections/p/records", 400, "Failed.", data, body=b"raw")[2] != data
