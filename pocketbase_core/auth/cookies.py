"""A token and its record as a cookie."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from .serialization import dump_stored, essential_fields

MAX_COOKIE_SIZE = 4096
"""The size up to which browsers keep a cookie, in bytes."""
_LATEST_EXPIRY = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 6265, 4.1.1


def get_cookie(header: str, key: str) -> str:
    """Return the decoded value of one cookie of a Cookie header; an empty text if the header has no such cookie."""
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == key:
            return unquote(value.strip('"'))
    return ""


def build_set_cookie(
    key: str, token: str, record: Mapping[str, Any] | None, expires: float | None, attributes: Mapping[str, Any]
) -> str:
    """Return a Set-Cookie header. A record that makes the header too large is cut to its essential fields.

    Args:
        key: The name of the cookie.
        token: The token.
        record: The record of the token.
        expires: The expiry in seconds since the epoch; None is a cookie that has expired.
        attributes: The other attributes. True is an attribute without a value; a false value leaves an attribute out.

    Raises:
        ValueError: If the name or an attribute cannot be part of the header.
    """
    if not _NAME.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the name of a cookie")
    # The expiry is unverified input: it may be huge, negative or absent.
    expiry = datetime.fromtimestamp(min(max(0.0, expires or 0.0), _LATEST_EXPIRY), UTC)
    from email.utils import format_datetime  # imports many modules that nothing else needs

    parts = [f"Expires={format_datetime(expiry, usegmt=True)}"]
    for name, value in attributes.items():
        if value is True:
            parts.append(name)
        elif value:
            if ";" in (text := str(value)) or not (text.isascii() and text.isprintable()):
                raise ValueError(f"the cookie's {name} cannot be {value!r}")
            parts.append(f"{name}={value}")
    header = "; ".join([f"{key}={_encode(token, record)}", *parts])
    if len(header) > MAX_COOKIE_SIZE and record is not None:
        header = "; ".join([f"{key}={_encode(token, essential_fields(record))}", *parts])
    return header


def _encode(token: str, record: Mapping[str, Any] | None) -> str:
    return quote(dump_stored(token, record, ensure_ascii=False), safe="", errors="backslashreplace")
