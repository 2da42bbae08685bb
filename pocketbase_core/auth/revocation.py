"""The changes that end a user's tokens on the server."""

from collections.abc import Mapping
from typing import Any

from ..values import json_object
from .store import SUPERUSERS


def ends_tokens(sent: object, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether an update of an auth record has ended all tokens of its user.

    `sent` is the body of the update; `before` and `after` are the record. A password ends the tokens, even the same
    password. So does a superuser's `tokenKey`, and another e-mail address (but not on all servers before 0.30).
    """
    body: Mapping[str, Any] = sent if isinstance(sent, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    has_new_key = any(name.partition(":")[0] == "tokenKey" for name in body)
    has_new_email = "email" in body and after.get("email", body["email"]) != before.get("email")
    return "password" in body or has_new_email or (has_new_key and before.get("collectionName") == SUPERUSERS)


def has_new_secret(collection: object) -> bool:
    """Return whether a change of a collection has ended the tokens of all its records."""
    changes: Mapping[str, Any] = collection if isinstance(collection, Mapping) else {}  # pyright: ignore
    return "secret" in json_object(changes.get("authToken"))
