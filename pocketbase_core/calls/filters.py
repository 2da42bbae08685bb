"""Filter expressions with values that stay values.

PocketBase 0.39.9 changed what a backslash means inside quotes. Before, it escapes only the quote that ends the text,
and two of them stay two; from then on it escapes itself, both quotes, n, t and r. A text is written here only where
both grammars read it alike, or where the caller says that every server is a new one.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ..messages.json_values import freeze_json, timestamp

_TOKENS = re.compile(r"""//[^\n]*|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\{:(\w+)\}""", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{:(\w+)\}")
_AMBIGUOUS = re.compile(r"""\\(?:[\\"'ntr]|$)""")


def build_filter(raw: str, params: Mapping[str, Any], *, escapes: bool = False) -> str:
    """Return `raw` with each `{:name}` replaced by the value of that name, quoted; values are not searched again.

    `escapes` writes backslashes for servers from 0.39.9 on, and only for them.

    Raises:
        TypeError: a value of a type that filters do not know.
        ValueError: a placeholder without a value or inside quotes; a text that cannot be written safely.
    """

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is not None:
            if name not in params:
                raise ValueError(f"the filter has {{:{name}}}, and there is no value {name!r}")
            return _literal(name, params[name], escapes)
        if _ends_for_new_servers(match[0]) and not escapes and _PLACEHOLDER.search(raw):
            raise ValueError(
                f"the text {match[0]} ends in a backslash, so that servers before 0.39.9 do not see its end; "
                "put it in as a value"
            )
        if any(inner in params for inner in _PLACEHOLDER.findall(match[0])):
            raise ValueError(
                f"a placeholder stands inside quotes or a comment: {match[0]}; values bring their own quotes"
            )
        return match[0]

    return _TOKENS.sub(replace, raw)


def _ends_for_new_servers(token: str) -> bool:
    """Return whether a quoted text ends here for new servers, while old ones read its last quote as escaped."""
    return len(token) > 3 and token[0] == token[-1] and token[0] in "\"'" and token[-2] == "\\"


def _literal(name: str, value: Any, escapes: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise ValueError(f"the value of {{:{name}}} is {value}, which a filter cannot hold")
        return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    if isinstance(value, str):
        return _quoted(name, value, escapes)
    if isinstance(value, date):
        return f'"{timestamp(value)}"'
    if isinstance(value, (list, tuple, Mapping)):
        text = json.dumps(freeze_json(value, name), ensure_ascii=False, separators=(",", ":"), default=dict)
        return _quoted(name, text, escapes)
    raise TypeError(f"the value of {{:{name}}} is of type {type(value).__name__}, which a filter cannot hold")


def _quoted(name: str, text: str, escapes: bool) -> str:
    if "\0" in text:
        raise ValueError(f"the value of {{:{name}}} holds NUL, which a filter cannot hold")
    if escapes:
        text = text.replace("\\", "\\\\")
    elif _AMBIGUOUS.search(text):
        raise ValueError(
            f"the value of {{:{name}}} holds a backslash that servers before and from 0.39.9 on read differently; "
            "if all of yours are 0.39.9 or newer, set filter_escapes = True on the client"
        )
    return '"' + text.replace('"', '\\"') + '"'
