"""The texts in errors: the server's own words, and their form for a log or a terminal."""

import re
from collections.abc import Generator, Mapping
from http import HTTPStatus
from typing import Any

from .messages import Response
from .messages.json_values import as_object

_MAX_LENGTH = 1000  # characters of a description
_CONTROL = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]\s*|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def in_one_line(text: str) -> str:
    """Return a text for a log or a terminal: of limited length, and with control characters escaped."""
    text = text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"
    return _CONTROL.sub(lambda match: " " if match[0].isspace() else ascii(match[0])[1:-1], text)


def field_messages(errors: Mapping[str, Any], prefix: str = "", levels: int = 5) -> Generator[str, None, None]:
    """Yield the server's message for each field, also of nested fields, as those of settings and collections are."""
    for name, value in errors.items():
        error = as_object(value)
        if message := server_message(error):
            yield f"{prefix}{name}: {message}"
        elif levels > 1:
            yield from field_messages(error, f"{prefix}{name}.", levels - 1)


def server_message(data: Mapping[str, Any]) -> str:
    """Return the server's message; empty if there is none."""
    message = data.get("message")
    return message if isinstance(message, str) else ""


def reason_phrase(status: int) -> str:
    """Return the reason phrase of a status (RFC 9110, 15)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Request failed"


def redirect_hint(response: Response) -> str:
    """Return what to do about a redirect; empty for another response."""
    location = response.headers.get("Location")
    if 300 <= response.status_code < 400 and location is not None:
        return f"redirects are not followed; use its target as the base URL: {location.partition('?')[0]!r}"
    return ""
