"""What a client signs in with by itself, and which arguments are refused before anything is sent."""

from typing import Any

import pytest

from pocketbase_core import PasswordCredentials, PocketBase, PocketBaseInputError, Request, Response
from pocketbase_transports import MockTransport

from ..helpers.tokens import token


async def test_password_credentials_sign_in_with_their_options() -> None:
    requests: list[Request] = []

    def respond(request: Request) -> Response:
        requests.append(request)
        return Response(200, json={"token": token(3600), "record": {"id": "u1"}})

    credentials = PasswordCredentials(
        "users", "a@b.c", "secret", identity_field="login", headers={"X-Trace": "1"}, body={"captcha": "x"}
    )
    async with PocketBase("http://h", transport=MockTransport(respond), credentials=credentials) as pb:
        await pb.health.check()
    assert requests[0].url == "http://h/api/collections/users/auth-with-password"
    sent = {"identity": "a@b.c", "password": "secret", "identityField": "login", "captcha": "x"}
    assert requests[0].json() == sent
    assert requests[0].headers["X-Trace"] == "1"


def test_the_repr_of_password_credentials_hides_the_password() -> None:
    credentials = PasswordCredentials("users", "a@b.c", "secret", body={"pin": "4711"})
    assert repr(credentials) == "PasswordCredentials('users', 'a@b.c')"


@pytest.mark.parametrize(
    ("arguments", "options", "error_type", "reason"),
    [
        (("users", "a@b.c", None), {}, TypeError, "password must be text"),
        (("users", {"identity": "a"}, "p"), {}, TypeError, "identity must be text"),
        (("..", "a@b.c", "p"), {}, PocketBaseInputError, "another path"),
        ((None, "a@b.c", "p"), {}, TypeError, "NoneType"),
        (("users", "a@b.c", "p"), {"expnad": "x"}, TypeError, "expand"),
        (("users", "a@b.c", "p"), {"fields": "id"}, PocketBaseInputError, "token"),
        (("users", "a@b.c", "p"), {"timeout": -1}, ValueError, "timeout"),
    ],
)
def test_arguments_that_cannot_be_sent_are_refused_at_once(
    arguments: Any, options: Any, error_type: type[Exception], reason: str
) -> None:
    with pytest.raises(error_type, match=reason):
        PasswordCredentials(*arguments, **options)


async def without_arguments() -> None: ...


@pytest.mark.parametrize("credentials", [("users", "a@b.c", "p"), "token", PasswordCredentials, without_arguments])
def test_credentials_must_be_a_function_of_the_client(credentials: Any) -> None:
    with pytest.raises(TypeError, match="PasswordCredentials"):
        PocketBase("http://h", credentials=credentials)


@pytest.mark.parametrize(
    ("seconds", "error_type"),
    [("300", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)],
)
def test_verify_every_must_be_a_number_of_seconds(seconds: Any, error_type: type[Exception]) -> None:
    with pytest.raises(error_type, match="verify_every"):
        PocketBase("http://h", verify_every=seconds)


@pytest.mark.parametrize("name", ["credentials", "verify_every"])
def test_credentials_cannot_be_assigned(name: str) -> None:
    with pytest.raises(AttributeError, match="when you create the client"):
        setattr(PocketBase("http://h"), name, None)
