"""Expressions, which conditions compare: fields, macros such as the current time, and functions."""

import re
from datetime import date
from typing import Generic, Self, TypeVar

from ..calls.filters import build_filter
from .condition import Condition

V = TypeVar("V")
DateValue = date | str
"""A value for dates: a `date` or `datetime`, or text as PocketBase writes it, such as `2026-01-31 12:00:00.000Z`."""


_SPECIAL, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"


class Expression(Generic[V]):
    """A part of a filter that can be compared with values of type V: a field, a macro, or a function.

    The operators `==`, `!=`, `<`, `<=`, `>` and `>=` return a `Condition`. Values are escaped as `pb.filter` does.
    """

    _operator_prefix = ""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._text!r})"

    __hash__ = object.__hash__

    def __eq__(  # type: ignore[override]  # `object` returns a bool; a field returns a condition
        self, other: "V | Expression[V] | None"
    ) -> Condition:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("=", other)

    def __ne__(  # type: ignore[override]  # the same as for `__eq__`
        self, other: "V | Expression[V] | None"
    ) -> Condition:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("!=", other)

    def __lt__(self, other: "V | Expression[V]") -> Condition:
        return self._compare("<", other)

    def __le__(self, other: "V | Expression[V]") -> Condition:
        return self._compare("<=", other)

    def __gt__(self, other: "V | Expression[V]") -> Condition:
        return self._compare(">", other)

    def __ge__(self, other: "V | Expression[V]") -> Condition:
        return self._compare(">=", other)

    def _compare(self, operator: str, other: object) -> Condition:
        operator = f"{self._operator_prefix}{operator}"
        if isinstance(other, Expression):
            return Condition(f"{self._text} {operator} {other._text}", "=")
        return Condition(build_filter(f"{self._text} {operator} {{:{self._text}}}", {self._text: other}), "=")

    def _any(self) -> Self:
        self._operator_prefix = "?"
        return self


class TextExpression(Expression[V]):
    """A part of a filter that has text, or a list of texts."""

    def contains(self, text: str) -> Condition:
        """Compare by `~`: the value contains the text, whatever its case. `%` and `_` stand for themselves."""
        return self._compare("~", _pattern(text))

    def not_contains(self, text: str) -> Condition:
        """Compare by `!~`: the value does not contain the text, whatever its case."""
        return self._compare("!~", _pattern(text))

    def like(self, pattern: str) -> Condition:
        """Compare by `~`: the value matches the pattern, in which `%` stands for any text.

        The server looks for a pattern without a `%` anywhere in the value.
        """
        return self._compare("~", pattern)

    def not_like(self, pattern: str) -> Condition:
        """Compare by `!~`: the value does not match the pattern; see `like`."""
        return self._compare("!~", pattern)


def _pattern(text: str) -> str:
    """Return a pattern for values that contain the text.

    The server makes one of a pattern without a `%`, but mistakes special characters that follow each other.
    """
    return f"%{_SPECIAL.sub(_ESCAPED, text)}%" if "%" in text or "_" in text else text
