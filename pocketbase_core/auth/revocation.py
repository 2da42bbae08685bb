"""The changes that revoke a user's tokens on the server."""

from collections.abc import Mapping
from typing import Any, cast

from .store import SUPERUSERS


def revokes_tokens(body: object, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether an update of an auth record revoked all tokens of its user.

    A password revokes the tokens, even if it is the same password. So does the `tokenKey` of a superuser, and a new
    e-mail address (but not on all servers before 0.30).

    Args:
        body: The body of the update.
        before: The record before the update.
        after: The record after the update.
    """
    fields = _as_mapping(body)
    has_new_key = any(name.partition(":")[0] == "tokenKey" for name in fields)
    has_new_email = "email" in fields and after.get("email", fields["email"]) != before.get("email")
    return "password" in fields or has_new_email or (has_new_key and before.get("collectionName") == SUPERUSERS)


def has_new_secret(collection: object) -> bool:
    """Return whether a change of a collection revoked the tokens of all its records.

    Args:
        collection: The body of the change.
    """
    return "secret" in _as_mapping(_as_mapping(collection).get("authToken"))


def _as_mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
