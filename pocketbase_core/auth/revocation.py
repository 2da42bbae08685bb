"""Which changes end a user's tokens on the server."""

from collections.abc import Mapping
from typing import Any

from ..values import json_object
from .store import SUPERUSERS, AuthStore


def ends_tokens(sent: object, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether an update of an auth record has ended all tokens of its user.

    `sent` is the body of the update, `before` and `after` are the record. The server does so for a password, be it the
    same one, and for another e-mail address (servers before 0.30 not all), and for a superuser's `tokenKey`.
    """
    body: Mapping[str, Any] = sent if isinstance(sent, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    has_new_key = any(name.partition(":")[0] == "tokenKey" for name in body)
    has_new_email = "email" in body and after.get("email", body["email"]) != before.get("email")
    return "password" in body or has_new_email or (has_new_key and before.get("collectionName") == SUPERUSERS)


def is_signed_in_to(store: AuthStore, collection: object) -> bool:
    """Whether the signed-in record is one of this collection, which is given by id or name."""
    record = store.record or {}
    return collection is not None and collection in (record.get("collectionId"), record.get("collectionName"))


def has_new_secret(collection: object) -> bool:
    """Whether a change of a collection has ended the tokens of all its records."""
    changes: Mapping[str, Any] = collection if isinstance(collection, Mapping) else {}  # pyright: ignore
    return "secret" in json_object(changes.get("authToken"))
