"""Conditions that are added to a user's filter, within the limits of the server."""

import re

MAX_LENGTH = 3500
"""Bytes of a filter that PocketBase accepts."""
MAX_CONDITIONS = 200
"""Conditions of a filter that PocketBase accepts."""
# PocketBase parses comments and escapes differently inside parentheses.
_UNSAFE_IN_PARENTHESES = re.compile(r"//|\\")


def count_conditions(expression: str) -> int:
    """Return how many conditions a filter has at most."""
    return len(re.findall(r"&&|\|\|", expression)) + 1


def is_extensible(expression: str) -> bool:
    """Return whether a filter that the server accepts means the same inside parentheses."""
    return not _UNSAFE_IN_PARENTHESES.search(expression)


def extend(expression: str, condition: str) -> str | None:
    """Return a filter with one more condition; None if the server would not accept it, because it is too long.

    Args:
        expression: A filter that is extensible, or `""`.
        condition: A condition, which is in parentheses itself if it has an "or".
    """
    # Safe to wrap in parentheses: the server has accepted the unwrapped filter before.
    extended = f"{condition} && ({expression})" if expression.strip() else condition
    too_long = len(extended.encode()) > MAX_LENGTH or count_conditions(extended) > MAX_CONDITIONS
    return None if too_long else extended
