"""Conditions: filter expressions that are made of fields."""

from typing import Literal

Operator = Literal["&&", "||", "="]


class Condition(str):
    """A filter expression. The option `filter` takes it, because it is text.

    `a & b` is true where both are, `a | b` where at least one is. PocketBase has no operator that negates a condition:
    compare with `!=` and `not_contains` instead.
    """

    __slots__ = ("_operator",)
    _operator: Operator | None
    """The operator between the members of the condition; `=` for a comparison; None if nothing is known of the text."""

    def __new__(cls, text: str, operator: Operator | None = None) -> "Condition":
        """Make a condition of a filter expression."""
        condition = super().__new__(cls, text)
        condition._operator = operator
        return condition

    def __and__(self, other: "Condition") -> "Condition":
        return self._join("&&", other)

    def __or__(self, other: "Condition") -> "Condition":
        return self._join("||", other)

    def __bool__(self) -> bool:
        raise TypeError(f"the filter {str(self)!r:.100} is neither true nor false; join conditions with & and |")

    def __repr__(self) -> str:
        return f"Condition({str(self)!r})"

    def _join(self, operator: Literal["&&", "||"], other: object) -> "Condition":
        if not isinstance(other, Condition):
            raise TypeError(f"a condition cannot be joined with {other!r:.100}")
        return Condition(f"{self._member(operator)} {operator} {other._member(operator)}", operator)

    def _member(self, operator: str) -> str:
        """Return the text as a member of a condition. PocketBase gives no operator precedence."""
        return str(self) if self._operator in ("=", operator) else f"({self!s})"
