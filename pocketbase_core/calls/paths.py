"""Paths that lead where they say, whatever the caller's text holds."""

import re
from urllib.parse import quote

_PLAIN = re.compile(r"[0-9A-Za-z_-]+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FORBIDDEN = re.compile(r"[#\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DOTS = re.compile(r"(\.|%2e){1,2}", re.IGNORECASE)


def api_path(*segments: str) -> str:
    """`/api/…` with each segment percent-encoded.

    Raises:
        TypeError: a segment is not text.
        ValueError: a segment is empty, or `.` or `..`, which HTTP clients and servers resolve to another path.
    """
    return "/api/" + "/".join(map(segment, segments))


def custom_path(path: str) -> str:
    """The path of a custom route, with a leading slash; what is percent-encoded already stays as it is.

    Raises:
        TypeError: it is not text.
        ValueError: it has a fragment, a control character or dot segments, or is an absolute URL.
    """
    if not isinstance(path, str):
        raise TypeError(f"a path must be text, not {type(path).__name__}")
    if _FORBIDDEN.search(path):
        raise ValueError(f"{path!r} holds a fragment or a control character")
    path, mark, query = path.partition("?")
    if _ABSOLUTE.match(path):
        raise ValueError(f"{path!r} is an absolute URL; a path is wanted, as everything goes to the base URL")
    if any(_DOTS.fullmatch(segment) for segment in re.split(r"[/\\]|%2f|%5c", path, flags=re.IGNORECASE)):
        raise ValueError(f"{path!r} holds a '.' or '..' segment, which would lead to another path")
    return quote("/" + path.removeprefix("/"), safe="/%:@!$&'()*+,;=~") + mark + quote(query, safe="/%:@!$&'()*+,=~?")


def segment(text: str) -> str:
    """One segment of a path, percent-encoded. Raises as `api_path` does."""
    if not isinstance(text, str):
        raise TypeError(f"a name or id must be text, not {type(text).__name__}")
    if _PLAIN.fullmatch(text):
        return text
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} cannot be a name or an id: it would lead to another path")
    return quote(text, safe="")
