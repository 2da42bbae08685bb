"""The options of the methods that sign in, and of those that send e-mails."""

from typing import Any

import pytest

from pocketbase_core import PocketBase, Request, Response
from pocketbase_transports import MockTransport

CAPTCHA = {"captcha": "solved", "details": {"score": 0.9}}
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("with_password", ("a", "b"), {"identity": "a", "password": "b"}),
    (
        "with_password",
        ("a", "b", "email", "m"),
        {"identity": "a", "password": "b", "identityField": "email", "mfaId": "m"},
    ),
    ("with_otp", ("a", "b"), {"otpId": "a", "password": "b"}),
    ("with_oauth2", ({"provider": "a", "code": "b"},), {"provider": "a", "code": "b"}),
    ("refresh", (), {}),
    ("impersonate", ("a", 60), {"duration": 60}),
    ("request_otp", ("a",), {"email": "a"}),
    ("request_password_reset", ("a",), {"email": "a"}),
    ("confirm_password_reset", ("a", "b"), {"token": "a", "password": "b", "passwordConfirm": "b"}),
    ("request_verification", ("a",), {"email": "a"}),
    ("confirm_verification", ("a",), {"token": "a"}),
    ("request_email_change", ("a",), {"newEmail": "a"}),
    ("confirm_email_change", ("a", "b"), {"token": "a", "password": "b"}),
]
"""Methods with their arguments and the body that they send."""


def recorded() -> tuple[PocketBase, list[Request]]:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={"token": "t", "record": {"id": "u1"}})

    return PocketBase("http://h", transport=MockTransport(handler)), seen


@pytest.mark.parametrize(("method", "arguments", "body"), CALLS)
async def test_the_option_body_adds_fields_to_what_the_method_sends(
    method: str, arguments: tuple[Any, ...], body: dict[str, Any]
) -> None:
    pb, seen = recorded()
    call = getattr(pb.collection("users").auth, method)
    await call(*arguments, body=CAPTCHA)
    await call(*arguments, options={"body": CAPTCHA})
    await call(*arguments)
    assert [dict(request.body or {}) for request in seen] == [{**body, **CAPTCHA}, {**body, **CAPTCHA}, body]


async def test_an_argument_that_was_not_passed_may_be_in_the_option_body() -> None:
    pb, seen = recorded()
    await pb.collection("users").auth.with_password("a", "b", body={"mfaId": "m"})
    assert dict(seen[0].body) == {"identity": "a", "password": "b", "mfaId": "m"}


@pytest.mark.parametrize("fields", ["", "*", "token,record", " token , record.id", "*,record.id", "meta,*"])
async def test_fields_of_a_sign_in_may_name_a_part_of_the_record(fields: str) -> None:
    pb, seen = recorded()
    users = pb.collection("users")
    await users.auth.with_password("a", "b", fields=fields)
    await users.auth.refresh(params={"fields": fields})
    await users.auth.impersonate("a", params={"fields": (fields, "ignored")})
    assert [request.params["fields"] for request in seen] == [fields, fields, (fields, "ignored")]
