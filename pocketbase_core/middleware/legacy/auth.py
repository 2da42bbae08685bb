"""Sign-ins, and the superusers, who are the admins of PocketBase 0.22."""

from typing import Any

from ...auth.token import SUPERUSERS_ID
from ...calls.legacy_refusal import refuse
from ...messages import Request
from ...messages.json_values import as_list, as_object

_ADMIN_FIELDS = {"id", "email", "password", "passwordConfirm", "avatar", "created", "updated", "expand"}
_SUPERUSER: dict[str, Any] = {
    "collectionId": SUPERUSERS_ID,
    "collectionName": "_superusers",
    "emailVisibility": False,
    "verified": True,
}
"""The fields that a superuser has, and an admin does not."""


def superuser(admin: Any) -> Any:
    """Return an admin as a record of `_superusers`."""
    return {**_SUPERUSER, **as_object(admin)}


def superusers(page: Any) -> Any:
    """Return a page of admins as a page of records."""
    return {**as_object(page), "items": [*map(superuser, as_list(as_object(page).get("items")))]}


def superuser_sign_in(answer: Any) -> Any:
    """Return `{"token", "admin"}` as `{"token", "record"}`."""
    answer = as_object(answer)
    others = {key: value for key, value in answer.items() if key != "admin"}
    return {**others, "record": superuser(answer.get("admin"))}


def admin(request: Request) -> Request:
    """Return a create or an update of a superuser with the body of an admin.

    Raises:
        PocketBaseInputError: If the body has fields that an admin does not have.
    """
    body = as_object(request.json())
    if unknown := sorted(key for key in body.keys() - _ADMIN_FIELDS if body[key] != _SUPERUSER.get(key, body)):
        raise refuse(f"the field {unknown[0]!r} of superusers", "0.23")
    if request.files:
        raise refuse("files of superusers", "0.23")
    return request.replace(body={key: value for key, value in body.items() if key in _ADMIN_FIELDS})


def password_sign_in(request: Request) -> Request:
    """Return a sign-in with a password, without the field that the identity is looked up in.

    PocketBase 0.22 looks an e-mail address up in `email`, and any other identity in `username`.

    Raises:
        PocketBaseInputError: If the identity would be looked up in another field, or there is a second factor.
    """
    body = as_object(request.json())
    if body.get("mfaId"):
        raise refuse("a second factor", "0.23")
    looked_up_in = "email" if "@" in str(body.get("identity")) else "username"
    if body.get("identityField") not in (None, "", looked_up_in):
        raise refuse(f"a look-up of this identity in {body['identityField']!r} (it uses {looked_up_in!r})", "0.23")
    return request.replace(body={key: value for key, value in body.items() if key not in ("identityField", "mfaId")})


def oauth2_sign_in(request: Request) -> Request:
    """Return a sign-in with the code of an OAuth2 provider, with the URL of the redirect under its former name.

    Raises:
        PocketBaseInputError: If there is a second factor.
    """
    body = as_object(request.json())
    if body.get("mfaId"):
        raise refuse("a second factor", "0.23")
    return request.replace(body={("redirectUrl" if key == "redirectURL" else key): body[key] for key in body})


def oauth2_answer(answer: Any) -> Any:
    """Return the answer to a sign-in with OAuth2, with the URL of the picture under its present name too."""
    answer = as_object(answer)
    meta = as_object(answer.get("meta"))
    return {**answer, "meta": {**meta, "avatarURL": meta["avatarUrl"]}} if "avatarUrl" in meta else answer


def auth_methods(methods: Any) -> Any:
    """Return the ways to sign in to a collection in the form of the current version."""
    methods = as_object(methods)
    providers = [
        {**each, "authURL": each.get("authUrl")} for each in map(as_object, as_list(methods.get("authProviders")))
    ]
    by_email, by_username = methods.get("emailPassword") is True, methods.get("usernamePassword") is True
    fields = [name for name, is_one in (("email", by_email), ("username", by_username)) if is_one]
    return {
        **methods,
        "mfa": {"enabled": False, "duration": 0},
        "otp": {"enabled": False, "duration": 0},
        "authProviders": providers,
        "oauth2": {"enabled": bool(providers), "providers": providers},
        "password": {"enabled": bool(fields), "identityFields": fields},
    }
