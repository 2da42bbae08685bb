"""The timeout of a call, which its caller may leave to the client."""

from enum import Enum
from typing import Final, Literal


class ClientDefault(Enum):
    """The type of `USE_CLIENT_DEFAULT`."""

    USE_CLIENT_DEFAULT = "the timeout of the client"


USE_CLIENT_DEFAULT: Final = ClientDefault.USE_CLIENT_DEFAULT
"""The timeout of a call whose caller gave none; None is a caller's "no limit"."""

Timeout = float | None | Literal[ClientDefault.USE_CLIENT_DEFAULT]
"""A limit in seconds, None for no limit, or `USE_CLIENT_DEFAULT`."""


def timeout_or(timeout: Timeout, default: float | None) -> float | None:
    """Return the caller's timeout in seconds (None: no limit), or `default` if the caller gave none."""
    return default if timeout is USE_CLIENT_DEFAULT else timeout


def check_timeout(timeout: float | None) -> float | None:
    """Return a timeout in seconds as a float; None is no limit.

    Raises:
        TypeError: If `timeout` is not a number.
        ValueError: If `timeout` is not above 0, or not finite.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be above 0 and finite, not {timeout}; None is no limit")
    return float(timeout)
