"""Sign-ins and superusers of PocketBase 0.22."""

from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBaseInputError, Request
from pocketbase_core.middleware.legacy import auth

ADMIN = {"id": "a", "created": "c", "updated": "u", "avatar": 0, "email": "a@example.com"}
SUPERUSER = {
    **ADMIN,
    "collectionId": "pbc_3142635823",
    "collectionName": "_superusers",
    "emailVisibility": False,
    "verified": True,
}


def post(body: dict[str, Any]) -> Request:
    return Request("POST", "http://h/api/x", body=body)


def test_an_admin_is_a_superuser() -> None:
    assert auth.superuser(ADMIN) == SUPERUSER
    assert auth.superusers({"page": 1, "items": [ADMIN]}) == {"page": 1, "items": [SUPERUSER]}
    assert auth.superuser_sign_in({"token": "t", "admin": ADMIN}) == {"token": "t", "record": SUPERUSER}


def test_a_superuser_that_was_read_can_be_sent_as_an_admin() -> None:
    changed = {**SUPERUSER, "email": "b@example.com"}
    assert auth.admin(post(changed)).json() == {**ADMIN, "email": "b@example.com"}


@pytest.mark.parametrize("body", [{"verified": False}, {"emailVisibility": True}, {"name": "x"}])
def test_a_field_that_an_admin_does_not_have_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(PocketBaseInputError, match=f"the field '{next(iter(body))}' of superusers"):
        auth.admin(post({"email": "a@example.com", **body}))


def test_a_file_of_a_superuser_is_refused() -> None:
    upload = FileUpload(("a.txt", b"a")).files[0]
    with pytest.raises(PocketBaseInputError, match="files of superusers"):
        auth.admin(post({"email": "a@example.com"}).replace(files=(("docs", upload),)))


@pytest.mark.parametrize(
    ("identity", "field"), [("a@example.com", "email"), ("ann", "username"), ("ann", None), ("ann", "")]
)
def test_a_sign_in_is_sent_without_the_field_that_the_identity_is_looked_up_in(identity: str, field: str) -> None:
    request = auth.password_sign_in(post({"identity": identity, "password": "p", "identityField": field}))
    assert request.json() == {"identity": identity, "password": "p"}


@pytest.mark.parametrize(("identity", "field"), [("a@example.com", "username"), ("ann", "email"), ("ann", "name")])
def test_a_look_up_in_another_field_is_refused(identity: str, field: str) -> None:
    with pytest.raises(PocketBaseInputError, match=f"look-up of this identity in '{field}'"):
        auth.password_sign_in(post({"identity": identity, "password": "p", "identityField": field}))


def test_a_second_factor_is_refused() -> None:
    for sign_in in (auth.password_sign_in, auth.oauth2_sign_in):
        with pytest.raises(PocketBaseInputError, match="a second factor"):
            sign_in(post({"identity": "a", "mfaId": "m"}))


def test_the_urls_of_oauth2_have_the_names_of_both_generations() -> None:
    request = auth.oauth2_sign_in(post({"provider": "p", "code": "c", "redirectURL": "http://r"}))
    assert request.json() == {"provider": "p", "code": "c", "redirectUrl": "http://r"}
    answer = {"token": "t", "record": {}, "meta": {"avatarUrl": "http://a"}}
    assert auth.oauth2_answer(answer)["meta"] == {"avatarUrl": "http://a", "avatarURL": "http://a"}
    assert auth.oauth2_answer({"token": "t"}) == {"token": "t"}


def test_the_auth_methods_have_the_current_form_and_the_former_keys() -> None:
    provider = {"name": "google", "authUrl": "http://g"}
    methods = auth.auth_methods(
        {"authProviders": [provider], "usernamePassword": False, "emailPassword": True, "onlyVerified": True}
    )
    both = [{**provider, "authURL": "http://g"}]
    assert methods == {
        "password": {"enabled": True, "identityFields": ["email"]},
        "oauth2": {"enabled": True, "providers": both},
        "mfa": {"enabled": False, "duration": 0},
        "otp": {"enabled": False, "duration": 0},
        "authProviders": both,
        "usernamePassword": False,
        "emailPassword": True,
        "onlyVerified": True,
    }
    none = auth.auth_methods({})
    assert none["password"] == {"enabled": False, "identityFields": []}
    assert none["oauth2"] == {"enabled": False, "providers": []}
