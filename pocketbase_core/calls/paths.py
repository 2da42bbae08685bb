"""Paths that lead where they say, whatever the caller's text contains.

HTTP clients, proxies and servers resolve `.` and `..` segments, some of them also where these are percent-encoded or
stand behind a backslash (RFC 3986, 5.2.4). An id such as `../..` would so reach another route, with the caller's token.
`segment` encodes names and ids into one segment each; `custom_path` keeps a caller's own path below the base URL.
"""

import re
from urllib.parse import quote, urlsplit

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError

_PLAIN = re.compile(r"[0-9A-Za-z_-]+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FORBIDDEN = re.compile(r"[#\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DOTS = re.compile(r"(\.|%2e){1,2}", re.IGNORECASE)


def api_path(*segments: str) -> str:
    """Return `/api/…` with each segment percent-encoded.

    Raises:
        TypeError: If a segment is not text.
        ValueError: If a segment is empty, `.` or `..`.
    """
    return "/api/" + "/".join(map(segment, segments))


def segment(text: str) -> str:
    """Return a name or id as one percent-encoded segment of a path.

    Raises:
        TypeError: If `text` is not text.
        ValueError: If `text` is empty, `.` or `..`, which HTTP clients and servers resolve to another path.
    """
    if not isinstance(text, str):
        raise PocketBaseInputTypeError(f"a name or id must be text, not {type(text).__name__}")
    if (text.isalnum() and text.isascii()) or _PLAIN.fullmatch(text):  # ids have letters and digits only
        return text
    if text in ("", ".", ".."):
        raise PocketBaseInputError(f"{text!r} is not a valid name or id: it would lead to another path")
    return quote(text, safe="")


def custom_path(path: str) -> str:
    """Return the path of a custom route, with a leading slash and percent-encoded.

    Args:
        path: The path, with or without a query. What is percent-encoded already stays as it is.

    Raises:
        TypeError: If `path` is not text.
        ValueError: If `path` contains a fragment, a control character or a dot segment, or is an absolute URL.
    """
    if not isinstance(path, str):
        raise PocketBaseInputTypeError(f"a path must be text, not {type(path).__name__}")
    if _FORBIDDEN.search(path):
        raise PocketBaseInputError(f"{path!r} is not a valid path: it contains a fragment or a control character")
    path, mark, query = path.partition("?")
    if _ABSOLUTE.match(path):
        raise PocketBaseInputError(f"{path!r} is an absolute URL; a path is required, relative to the base URL")
    if any(_DOTS.fullmatch(part) for part in re.split(r"[/\\]|%2f|%5c", path, flags=re.IGNORECASE)):
        raise PocketBaseInputError(f"{path!r} contains a '.' or '..' segment, which would lead to another path")
    return quote("/" + path.removeprefix("/"), safe="/%:@!$&'()*+,;=~") + mark + quote(query, safe="/%:@!$&'()*+,=~?")


def check_base_url(url: str) -> str:
    """Return the base URL of a server without a slash at its end.

    Raises:
        TypeError: If `url` is not text.
        ValueError: If `url` is not a base URL.
    """
    if not isinstance(url, str):
        raise TypeError(f"a base URL must be text, such as 'http://127.0.0.1:8090', not {type(url).__name__}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise ValueError(f"{url!r} is not a valid base URL, such as 'http://127.0.0.1:8090'")
    if parts.query or parts.fragment or parts.username is not None or parts.port == 0:
        raise ValueError("a base URL must not contain a query, a fragment, user information or port 0")
    return f"{parts.scheme}://{parts.netloc}{custom_path(parts.path)}".rstrip("/")
