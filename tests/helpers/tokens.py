"""Tokens as PocketBase makes them, without a valid signature."""

import base64
import json
import time
from typing import Any


def token(lives: float, name: str = "t", **more: Any) -> str:
    payload = {
        "id": "u1",
        "collectionId": "c1",
        "type": "auth",
        "refreshable": True,
        "exp": time.time() + lives,
        "n": name,
    }
    return f"h.{encoded(payload | more)}.s"


def encoded(payload: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
