"""HTTP headers with case-insensitive names, whose repr hides secrets."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError

_SENSITIVE = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
# RFC 9110, 7.6.1 and 8.6, RFC 9112, 3.2: headers that frame a request or apply to a single connection.
_SET_BY_TRANSPORT = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# RFC 9110, 5.6.2 and 5.5. Values are limited to ASCII, because HTTP libraries encode other characters differently.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_LENGTH = re.compile("[0-9]{1,18}")


class Headers(Mapping[str, str]):
    """Immutable HTTP headers, a Mapping from case-insensitive names to values.

    The repr hides Authorization, cookies and other secrets.

    Args:
        headers: A mapping, or `(name, value)` pairs. The values of a repeated name are joined by a comma.
    """

    __slots__ = ("_as_dict", "_cached_items", "_pairs", "_read_pairs", "_validated")

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        source: Any = headers
        if isinstance(source, Headers):
            pairs = [*source._items.values()]
        else:  # duck-typed like dict(), because isinstance(…, Mapping) is slower than the rest of this method
            pairs = [*(source.items() if hasattr(source, "keys") else source)]
        self._pairs: list[tuple[str, str]] = pairs
        self._read_pairs: Callable[[], Iterable[tuple[str, str]]] | None = None
        self._cached_items: dict[str, tuple[str, str]] | None = None
        self._as_dict: dict[str, str] | None = None
        self._validated = False

    @classmethod
    def deferred(cls, pairs: Callable[[], Iterable[tuple[str, str]]]) -> Self:
        """Return headers that call `pairs` when they are first needed, as those of most responses never are."""
        headers = cls()
        headers._read_pairs = pairs
        return headers

    def __reduce__(self) -> tuple[type[Self], tuple[list[tuple[str, str]]]]:
        return type(self), ([*self._items.values()],)

    @property
    def _items(self) -> dict[str, tuple[str, str]]:
        """The original name and the value by lowercase name. Built on first use."""
        if self._cached_items is None:
            pairs = self._pairs if self._read_pairs is None else [*self._read_pairs()]
            try:
                self._cached_items = {name.lower(): (name, value) for name, value in pairs}
            except AttributeError as error:
                raise PocketBaseInputTypeError("a header name must be text") from error
            if len(self._cached_items) < len(pairs):
                self._cached_items.clear()
                for name, value in pairs:
                    earlier = self._cached_items.get(key := name.lower())
                    self._cached_items[key] = (name, f"{earlier[1]}, {value}") if earlier else (name, value)
        return self._cached_items

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._lowercase() == Headers(other)._lowercase()  # pyright: ignore[reportUnknownArgumentType]

    def __or__(self, other: Mapping[str, str]) -> "Headers":
        """Return these headers merged with `other`, which wins where both have a name."""
        if type(other) is not Headers:
            other = Headers(other)
        merged = Headers()
        merged._cached_items = {**self._items, **other._items}
        merged._validated = self._validated and other._validated
        return merged

    def to_dict(self) -> dict[str, str]:
        """Return the headers as a plain dict, for libraries that require one."""
        if self._as_dict is None:
            self._as_dict = dict(self._items.values())
        return self._as_dict.copy()

    def validate(self) -> None:
        """Check that all headers can be sent. An object is checked once, because it never changes.

        Raises:
            TypeError: If a name or a value is not text.
            ValueError: If a name or a value is not valid, or the header is set by the transport.
        """
        if not self._validated:
            for name, value in self._items.values():
                _check_header(name, value)
            self._validated = True

    def __repr__(self) -> str:
        shown = {name: "[hidden]" if name.lower() in _SENSITIVE else value for name, value in self.items()}
        return f"{type(self).__name__}({shown})"

    def _lowercase(self) -> dict[str, str]:
        return {key: value for key, (_, value) in self._items.items()}


NO_HEADERS = Headers()
"""The headers of nearly all calls, whose caller sets none."""


class MutableHeaders(Headers, MutableMapping[str, str]):
    """The editable headers of a `RequestDraft`, which are checked when the draft is frozen."""

    __slots__ = ()

    def __setitem__(self, name: str, value: str) -> None:
        self._items[name.lower()] = (name, value)
        self._as_dict = None

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]
        self._as_dict = None


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return the size of a body in bytes; None if it is compressed or there is no valid Content-Length."""
    length = headers.get("Content-Length", "")
    return int(length) if _LENGTH.fullmatch(length) and "Content-Encoding" not in headers else None


def _check_header(name: str, value: str) -> None:
    if not isinstance(name, str) or not isinstance(value, str):
        raise PocketBaseInputTypeError(f"header {name!r} must be text, not {type(value).__name__}")
    if not _NAME.fullmatch(name):
        raise PocketBaseInputError(f"{name!r} is not a valid header name")
    if name.lower() in _SET_BY_TRANSPORT:
        raise PocketBaseInputError(f"header {name!r} must not be set: the transport sets it")
    if not _VALUE.fullmatch(value):
        raise PocketBaseInputError(f"the value of header {name!r} contains a control or non-ASCII character")
    if value.strip(" \t") != value:  # some HTTP libraries refuse such a value only after connecting
        raise PocketBaseInputError(f"the value of header {name!r} begins or ends with whitespace")
