"""Filter expressions into which values are written safely.

Theory of operation: `_TOKENS` splits an expression into what has quotes or is a comment, and placeholders `{:name}`. A
placeholder outside of quotes and comments is replaced by a literal of its value. Everything else stays as it is. A name
is any text without braces, as in the JavaScript SDK.

Servers read backslashes inside quotes in two ways. Before PocketBase 0.39.9, a backslash escapes only the quote that
encloses the text, and two backslashes stay two. From 0.39.9 on, it escapes itself, both quotes, n, t and r. The client
does not know the server's version, so a text is accepted only if both versions read it alike: a backslash must not
stand before a character that either version treats as escaped, nor at the end. With `escapes`, the caller says that
the server is 0.39.9 or newer, and every text is accepted.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ..input_errors import PocketBaseInputError
from ..messages.json_values import freeze_json
from ..messages.scalars import PLAIN_TYPES, number_text, plain_scalar

_TOKENS = re.compile(r"""//[^\n]*|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\{:([^{}]*)\}""", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{:([^{}]*)\}")
_AMBIGUOUS = re.compile(r"""\\(?:[\\"'ntr]|$)""")


def build_filter(raw: str, params: Mapping[str, Any], *, escapes: bool = False) -> str:
    """Return a filter expression in which each `{:name}` is replaced by a literal of the value of that name.

    Args:
        raw: The expression. Placeholders inside the values are not replaced.
        params: The values by name.
        escapes: Whether to escape backslashes as servers from 0.39.9 on require, and older servers do not support.

    Raises:
        TypeError: If a value is of a type that filters do not support.
        ValueError: If a placeholder has no value or is inside quotes, if a value has no placeholder, or if a text
            cannot be written safely.
    """
    used: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is not None:
            if name not in params:
                raise _missing_error(name, params)
            used.add(name)
            return _literal(name, params[name], escapes)
        if _ends_only_for_new_servers(match[0]) and not escapes and _PLACEHOLDER.search(raw):
            raise PocketBaseInputError(
                f"the text {match[0]} ends in a backslash, which escapes the last quote for servers before 0.39.9; "
                "pass the text as a value"
            )
        if any(inner in params for inner in _PLACEHOLDER.findall(match[0])):
            raise PocketBaseInputError(
                f"a placeholder must not be inside quotes or a comment: {match[0]}; values get quotes of their own"
            )
        return match[0]

    expression = _TOKENS.sub(replace, raw)
    if len(used) < len(params):
        unused = next(name for name in params if name not in used)
        raise PocketBaseInputError(f"the filter has no placeholder {{:{unused}}} for the value {unused!r}")
    return expression


def _missing_error(name: str, params: Mapping[str, Any]) -> PocketBaseInputError:
    advice = "".join(
        f"; pass the dict {key!r} as the second argument, without a name"
        for key, value in params.items()
        if isinstance(value, Mapping) and name in value
    )
    return PocketBaseInputError(f"the filter contains {{:{name}}}, but no value {name!r} was passed{advice}")


def _ends_only_for_new_servers(token: str) -> bool:
    """Return whether a quoted text ends in a backslash: servers before 0.39.9 then read the last quote as escaped."""
    return len(token) > 3 and token[0] == token[-1] and token[0] in "\"'" and token[-2] == "\\"


def _literal(name: str, value: Any, escapes: bool) -> str:
    scalar = value
    if type(value) not in PLAIN_TYPES:
        if isinstance(value, (list, tuple, Mapping)):
            return _quoted(name, _json(name, value), escapes)
        scalar = plain_scalar(value, _place(name), "which a filter cannot contain")
    if isinstance(scalar, str):
        return _quoted(name, scalar, escapes)
    if scalar is None:
        return "null"
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return number_text(scalar, _place, name)


def _place(name: str) -> str:
    return f"the value of {{:{name}}}"


def _json(name: str, value: Any) -> str:
    frozen = freeze_json(value, name)
    try:
        return json.dumps(frozen, ensure_ascii=False, separators=(",", ":"), default=dict)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits
        raise PocketBaseInputError(f"{_place(name)} cannot be written as JSON: {error}") from error


def _quoted(name: str, text: str, escapes: bool) -> str:
    if "\0" in text:
        raise PocketBaseInputError(f"{_place(name)} contains NUL, which a filter cannot contain")
    if escapes:
        text = text.replace("\\", "\\\\")
    elif _AMBIGUOUS.search(text):
        raise PocketBaseInputError(
            f"{_place(name)} contains a backslash that servers before and from 0.39.9 on read differently; "
            "if your server is 0.39.9 or newer, use pb.filter of a client that knows it: server_version='0.39.9'"
        )
    return '"' + text.replace('"', '\\"') + '"'
