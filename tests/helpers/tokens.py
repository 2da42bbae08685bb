"""Tokens in the form of PocketBase's, without a valid signature."""

import base64
import json
import time
from typing import Any


def token(lives: float, name: str = "t", **more: Any) -> str:
    """Return a token of the user `u1` that expires in `lives` seconds.

    Args:
        lives: The seconds until the token expires.
        name: A claim that tells tokens of the same user apart.
        more: Other claims, which replace the default ones.
    """
    payload = {
        "id": "u1",
        "collectionId": "c1",
        "type": "auth",
        "refreshable": True,
        "exp": time.time() + lives,
        "n": name,
    }
    return f"h.{encoded(payload | more)}.s"


def legacy_token(kind: str, **more: Any) -> str:
    """Return a token of PocketBase 0.22 that expires in an hour.

    Args:
        kind: The type: `admin` or `authRecord`.
        more: The other claims.
    """
    return f"h.{encoded({'type': kind, 'exp': time.time() + 3600, **more})}.s"


def encoded(payload: Any) -> str:
    """Return JSON in base64url without padding, as the parts of a JWT are encoded (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
