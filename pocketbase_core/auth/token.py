"""The claims of a PocketBase token. Nothing here is verified: only the server can verify a token."""

import base64
import hashlib
import json
import re
import sys
from functools import lru_cache
from typing import Any, TypeGuard

from ..messages.json_values import as_object

SUPERUSERS_ID = "pbc_3142635823"
"""The id of the collection `_superusers`, which is the same on all servers from 0.23 on."""
_LEGACY_CLAIMS = {"admin": {"type": "auth", "collectionId": SUPERUSERS_ID}, "authRecord": {"type": "auth"}}
"""The claims that newer servers write in place of a type of PocketBase 0.22, whose admins have no collection."""


def claims(token: str) -> dict[str, Any]:
    """Return the payload of a JSON Web Token (RFC 7519); `{}` if it cannot be read.

    A payload of PocketBase 0.22 is returned as newer servers write it.
    """
    payload = _payload(token)
    return payload | _LEGACY_CLAIMS.get(str(payload.get("type")), {})


def is_legacy_token(token: str) -> bool | None:
    """Return whether PocketBase 0.22 or older issued a user's token; None for any other text."""
    kind = _payload(token).get("type")
    return None if kind not in ("auth", *_LEGACY_CLAIMS) else kind != "auth"


def _payload(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return as_object(json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))))
    except (ValueError, RecursionError):
        return {}


def expires_at(token: str) -> float | None:
    """Return the expiry of a token in seconds since the epoch; None for a token without one."""
    expiry = claims(token).get("exp")
    if isinstance(expiry, bool) or not isinstance(expiry, (int, float)):
        return None
    return float(max(-sys.float_info.max, min(expiry, sys.float_info.max)))


def is_valid(token: str, now: float) -> bool:
    """Return whether the token can be read and has not expired."""
    return bool(claims(token)) and not has_expired(token, now)


def has_expired(token: str, now: float) -> bool:
    """Return whether the token has expired. A token that cannot be read, or that has no expiry, never expires."""
    expiry = expires_at(token)
    return expiry is not None and expiry <= now


def subject(token: str) -> tuple[object, object]:
    """Return the ids of the token's collection and record; None for an id that the token does not have."""
    payload = claims(token)
    return payload.get("collectionId"), payload.get("id")


def is_same_user(token: str, other: str) -> bool:
    """Return whether two tokens belong to one user. Tokens that name no user do so only if they are equal."""
    return token == other or (None not in (user := subject(token)) and user == subject(other))


def is_refreshable(token: str) -> bool:
    """Return whether the server would refresh a token: a user's token that was not created by impersonation."""
    payload = claims(token)
    collection = payload.get("collectionId")
    named = isinstance(collection, str) and re.fullmatch(r"\w+", collection, re.ASCII) is not None
    return payload.get("type") == "auth" and payload.get("refreshable") is not False and named


def is_sendable_token(value: object) -> TypeGuard[str]:
    """Return whether a value is text that can be sent in an Authorization header."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value.strip() == value


@lru_cache(maxsize=16)
def digest(token: str) -> str:
    """Return a short name of a token that does not reveal the token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()[:16]
