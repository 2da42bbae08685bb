"""Filters, sorts and API rules, as PocketBase 0.22 and newer servers write them.

Source: PocketBase's changelog, and the migration of its databases from 0.22 to 0.23.
"""

import re

from .legacy_refusal import refuse

_QUOTED = re.compile(r"""(//[^\n]*|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?)""", re.DOTALL)
_NEWER = {
    r":lower\b": (":lower", "0.24"),
    r"@(?:yesterday|tomorrow)\b": ("@yesterday and @tomorrow", "0.24"),
    r"\bgeoDistance\s*\(": ("geoDistance()", "0.27"),
    r":changed\b": (":changed", "0.34"),
    r"\bstrftime\s*\(": ("strftime()", "0.36"),
    r"@rowid\b": ("@rowid", "0.23"),
}
"""The patterns of expressions that PocketBase 0.22 does not know, each with a name and the version that has it."""


def to_legacy_expression(expression: str, names: dict[str, str] | None = None) -> str:
    """Return an expression for PocketBase 0.22. Quoted text and comments stay as they are.

    Args:
        expression: A filter, a sort or an API rule.
        names: Names of the current version, each with its name in 0.22.

    Raises:
        PocketBaseInputError: If the expression contains what PocketBase 0.22 does not know.
    """
    parts = _QUOTED.split(expression)
    for index in range(0, len(parts), 2):
        for pattern, (name, version) in _NEWER.items():
            if re.search(pattern, parts[index]):
                raise refuse(f"{name} in {expression!r}", version)
        parts[index] = _rename(parts[index], {"@request.body.": "@request.data.", **(names or {})})
    return "".join(parts)


def from_legacy_expression(expression: str) -> str:
    """Return an expression of PocketBase 0.22 as current servers write it."""
    parts = _QUOTED.split(expression)
    parts[::2] = [_rename(part, {"@request.data.": "@request.body."}) for part in parts[::2]]
    return "".join(parts)


def _rename(text: str, names: dict[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text
