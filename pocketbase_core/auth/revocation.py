"""The changes that end a user's tokens on the server."""

from collections.abc import Mapping
from typing import Any, cast

from .store import SUPERUSERS


def ends_tokens(sent: object, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether an update of an auth record has ended all tokens of its user.

    `sent` is the body of the update; `before` and `after` are the record. A password ends the tokens, even the same
    password. So does a superuser's `tokenKey`, and another e-mail address (but not on all servers before 0.30).
    """
    body = _mapping(sent)
    has_new_key = any(name.partition(":")[0] == "tokenKey" for name in body)
    has_new_email = "email" in body and after.get("email", body["email"]) != before.get("email")
    return "password" in body or has_new_email or (has_new_key and before.get("collectionName") == SUPERUSERS)


def has_new_secret(collection: object) -> bool:
    """Return whether a change of a collection has ended the tokens of all its records."""
    return "secret" in _mapping(_mapping(collection).get("authToken"))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
