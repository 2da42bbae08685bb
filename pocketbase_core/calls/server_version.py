"""The version of the server that the user has named."""

import re

OLDEST = (0, 22)
CURRENT = (0, 23)
"""The version from which on nothing is translated."""
ESCAPES = (0, 39, 9)
"""The version from which on filters can have any backslash."""


def parse_version(version: str) -> tuple[int, ...]:
    """Return the numbers of a version.

    Raises:
        TypeError: If the version is not text.
        ValueError: If it is not a version, or one older than 0.22.
    """
    if not isinstance(version, str):
        raise TypeError(f"server_version must be text, such as '0.22' or '0.40.6', not {type(version).__name__}")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){1,2}", version):
        raise ValueError(f"server_version must be a version, such as '0.22' or '0.40.6', not {version!r}")
    numbers = tuple(map(int, version.split(".")))
    if numbers < OLDEST:
        raise ValueError(f"server_version must be 0.22 or newer, not {version}: older servers are not supported")
    return numbers
