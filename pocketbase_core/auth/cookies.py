"""A token and its record as a cookie."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from .stored import essential, to_text

MAX_COOKIE_SIZE = 4096
"""Bytes that browsers keep of a cookie."""
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 6265, 4.1.1


def get_cookie(header: str, key: str) -> str:
    """Return the decoded value of one cookie of a Cookie header; empty text if the header has no such cookie."""
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == key:
            return unquote(value.strip('"'))
    return ""


def build_set_cookie(
    key: str, token: str, record: Mapping[str, Any] | None, expires: float | None, attributes: Mapping[str, Any]
) -> str:
    """Return a Set-Cookie header. A record that makes the header too large is cut to its essential fields."""
    if not _NAME.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the name of a cookie")
    # A forged token may have any number as its expiry, or none.
    moment = datetime.fromtimestamp(min(max(0.0, expires or 0.0), _LAST), UTC)
    from email.utils import format_datetime  # imports much that only this needs

    tail = [f"Expires={format_datetime(moment, usegmt=True)}"]
    for name, value in attributes.items():
        if value is True:
            tail.append(name)
        elif value:
            if ";" in (text := str(value)) or not (text.isascii() and text.isprintable()):
                raise ValueError(f"the cookie's {name} cannot be {value!r}")
            tail.append(f"{name}={value}")
    header = "; ".join([f"{key}={_encoded(token, record)}", *tail])
    if len(header) > MAX_COOKIE_SIZE and record is not None:
        header = "; ".join([f"{key}={_encoded(token, essential(record))}", *tail])
    return header


def _encoded(token: str, record: Mapping[str, Any] | None) -> str:
    return quote(to_text(token, record, ensure_ascii=False), safe="", errors="backslashreplace")
