"""HTTP headers: names match without regard to case, and secrets are not shown."""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

_SENSITIVE = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
# RFC 9110, 7.6.1 and 8.6, RFC 9112, 3.2: they say how a request is framed, or are for one connection.
_OF_THE_TRANSPORT = frozenset(
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
# RFC 9110, 5.6.2 and 5.5. Values are held to ASCII: beyond it, HTTP libraries disagree about the encoding.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_LENGTH = re.compile("[0-9]{1,18}")


class Headers(Mapping[str, str]):
    """HTTP headers: names match without regard to case, a repeated name's values are joined by a comma."""

    __slots__ = ("_checked", "_pairs", "_table")

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        # Told apart as `dict` does: to look whether it is a Mapping takes longer than all the rest.
        given: Any = headers
        self._pairs: list[tuple[str, str]] = [*(given.items() if hasattr(given, "keys") else given)]
        self._table: dict[str, tuple[str, str]] | None = None
        self._checked = False

    @property
    def _items(self) -> dict[str, tuple[str, str]]:
        """Names in lower case, with what they came as; made when it is first asked for, as most answers never are."""
        if self._table is None:
            try:
                self._table = {name.lower(): (name, value) for name, value in self._pairs}
            except AttributeError as error:
                raise TypeError("a header's name must be text") from error
            if len(self._table) < len(self._pairs):
                self._table.clear()
                for name, value in self._pairs:
                    known = self._table.get(key := name.lower())
                    self._table[key] = (name, f"{known[1]}, {value}") if known else (name, value)
        return self._table

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
        """These headers with the other's in place of those of the same name."""
        if type(other) is not Headers:
            other = Headers(other)
        merged = Headers()
        merged._table = {**self._items, **other._items}
        merged._checked = self._checked and other._checked
        return merged

    def to_dict(self) -> dict[str, str]:
        """A plain dict, for libraries that want one."""
        return dict(self._items.values())

    def validate(self) -> None:
        """Once for each object, as it never changes.

        Raises:
            TypeError, ValueError: a header that cannot be sent.
        """
        if not self._checked:
            for name, value in self._items.values():
                _check_header(name, value)
            self._checked = True

    def __repr__(self) -> str:
        shown = {name: "[hidden]" if name.lower() in _SENSITIVE else value for name, value in self.items()}
        return f"{type(self).__name__}({shown})"

    def _lowercase(self) -> dict[str, str]:
        return {key: value for key, (_, value) in self._items.items()}


class MutableHeaders(Headers, MutableMapping[str, str]):
    """The headers of a draft."""

    __slots__ = ()

    def __setitem__(self, name: str, value: str) -> None:
        self._items[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]


def content_length(headers: Mapping[str, str]) -> int | None:
    """Bytes of a body to come; None where it is compressed, or its headers do not tell."""
    length = headers.get("Content-Length", "")
    return int(length) if _LENGTH.fullmatch(length) and "Content-Encoding" not in headers else None


def _check_header(name: str, value: str) -> None:
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"header {name!r} must be text, not {type(value).__name__}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    if name.lower() in _OF_THE_TRANSPORT:
        raise ValueError(f"header {name!r} cannot be set, as the transport does that")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of header {name!r} holds a control or non-ASCII character")
