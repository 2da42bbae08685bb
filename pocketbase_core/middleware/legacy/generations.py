"""Responses that show whether their server is older than PocketBase 0.23."""

import re
from collections.abc import Callable
from typing import Any

from ...auth.token import is_legacy_token
from ...calls.parsing import is_legacy_error
from ...messages import Response
from ...messages.json_values import as_list, as_object


def is_legacy_response(path: str, response: Response) -> bool | None:
    """Return whether the server is older than PocketBase 0.23; None if the response does not show that.

    Args:
        path: The path of the request on the server.
        response: The response.
    """
    is_success = 200 <= response.status_code < 300
    shows = next((shows for pattern, shows in _SHAPES if pattern.fullmatch(path)), None)
    if (is_success and shows is None) or not response.content:
        return None
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    if not is_success or shows is None:
        return is_legacy_error(response.status_code, as_object(value))
    return shows(value)


def _by_key(legacy: str, current: str) -> Callable[[Any], bool | None]:
    def shows(value: Any) -> bool | None:
        for each in map(as_object, as_list(as_object(value).get("items")) or [value]):
            if legacy in each or current in each:
                return current not in each
        return None

    return shows


def _by_token(value: Any) -> bool | None:
    token = as_object(value).get("token")
    return is_legacy_token(token) if isinstance(token, str) else None


def _by_app_url(value: Any) -> bool | None:
    return _by_key("appUrl", "appURL")(as_object(value).get("meta"))


_SHAPES: list[tuple[re.Pattern[str], Callable[[Any], bool | None]]] = [
    (re.compile(r"/api/(?:admins|collections/[^/]+)/auth-(?:with-.+|refresh)"), _by_token),
    (re.compile(r"/api/collections/[^/]+/auth-methods"), _by_key("emailPassword", "password")),
    (re.compile(r"/api/collections(?:/[^/]+)?"), _by_key("schema", "fields")),
    (re.compile(r"/api/settings"), _by_app_url),
]
"""The paths whose responses show the generation of the server, and what shows it."""
