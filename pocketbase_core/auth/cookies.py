"""A token and its record as a cookie, in the form of the JS SDK."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, unquote

from ..concurrency.event_loops import start_lock
from .serialization import dump_stored, essential_fields
from .token import expires_at

SameSite = Literal["Strict", "Lax", "None", "strict", "lax", "none"]
"""The values of a cookie's SameSite attribute."""
MAX_COOKIE_SIZE = 4096
"""The size up to which browsers keep a cookie, in bytes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_EXPIRY = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 6265, 4.1.1
_UNRESERVED = "!~*'()"  # encodeURIComponent leaves these, letters, digits, and "-_."; RFC 6265, 4.1.1, allows them all


def get_cookie(header: str, key: str) -> str:
    """Return the decoded value of one cookie of a Cookie header; an empty text if the header has no such cookie."""
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == key:
            return unquote(value.strip('"'))
    return ""


def build_set_cookie(key: str, token: str, record: Mapping[str, Any] | None, attributes: list[str]) -> str:
    """Return a Set-Cookie header. A record that makes the header too large is cut to its essential fields.

    Raises:
        TypeError: If the name is not text.
        ValueError: If the name cannot be part of the header.
    """
    if not isinstance(key, str):
        raise TypeError(f"key must be the name of the cookie, not {type(key).__name__}; pass options by keyword")
    if not _NAME.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the name of a cookie")
    header = "; ".join([f"{key}={_encode(token, record)}", *attributes])
    if len(header) > MAX_COOKIE_SIZE and record is not None:
        header = "; ".join([f"{key}={_encode(token, essential_fields(record))}", *attributes])
    return header


def lifetime_attributes(token: str, expires: datetime | Literal["token"] | None, max_age: int | None) -> list[str]:
    """Return the attributes `Expires` and `Max-Age`. A cookie without a token has always expired.

    Raises:
        TypeError: If `expires` or `max_age` is of another type.
    """
    if expires != "token" and not isinstance(expires, datetime | None):
        raise TypeError(f"expires must be a datetime, None for a session cookie, or 'token', not {expires!r:.100}")
    if isinstance(max_age, bool) or not isinstance(max_age, int | None):
        raise TypeError(f"max_age must be a whole number of seconds, not {max_age!r:.100}")
    if not token:
        return [_format_expires(_EPOCH)]
    if expires == "token":
        # The expiry is unverified input: it may be huge, negative or absent.
        expires = datetime.fromtimestamp(min(max(0.0, expires_at(token) or 0.0), _LATEST_EXPIRY), UTC)
    attributes = [] if max_age is None else [f"Max-Age={max_age}"]
    return attributes if expires is None else [*attributes, _format_expires(expires)]


def scope_attributes(
    path: str | None, domain: str | None, same_site: SameSite | Literal[""] | None, *, http_only: bool, secure: bool
) -> list[str]:
    """Return the attributes that say where the browser sends the cookie. None or an empty text leaves one out.

    Raises:
        ValueError: If an attribute cannot be part of the header, or browsers would refuse the cookie.
    """
    attributes = [_text_attribute(name, value) for name, value in (("Path", path), ("Domain", domain)) if value]
    if same_site not in (None, ""):
        name = same_site.capitalize() if isinstance(same_site, str) else ""
        if name not in ("Strict", "Lax", "None"):
            raise ValueError(f"same_site must be 'Strict', 'Lax', 'None' or, for no attribute, None, not {same_site!r}")
        if name == "None" and not secure:
            raise ValueError("same_site='None' requires secure=True: browsers refuse such a cookie")
        attributes.append(f"SameSite={name}")
    flags = (("HttpOnly", http_only), ("Secure", secure))
    return [*attributes, *(name for name, is_set in flags if is_set)]


def _text_attribute(name: str, value: object) -> str:
    if not isinstance(value, str) or ";" in value or not (value.isascii() and value.isprintable()):
        raise ValueError(f"the cookie's {name} cannot be {value!r}")
    return f"{name}={value}"


def _format_expires(expires: datetime) -> str:
    with start_lock:
        from email.utils import format_datetime  # imports many modules that nothing else needs
    moment = expires.replace(tzinfo=UTC) if expires.tzinfo is None else expires.astimezone(UTC)
    return f"Expires={format_datetime(moment, usegmt=True)}"


def _encode(token: str, record: Mapping[str, Any] | None) -> str:
    return quote(dump_stored(token, record, ensure_ascii=False), safe=_UNRESERVED, errors="backslashreplace")
