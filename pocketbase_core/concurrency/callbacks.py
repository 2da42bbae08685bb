"""Calls of the functions that users register."""

import logging
from collections.abc import Callable

_logger = logging.getLogger("pocketbase_core")


def notify(name: str, callback: Callable[..., object], *arguments: object) -> object:
    """Call a user's callback and return its result. What the callback raises is logged, and None is returned.

    A plain function cannot be cancelled, so `CancelledError` is an error like any other here. `KeyboardInterrupt` and
    `SystemExit` are meant for the process and are raised.
    """
    try:
        return callback(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        _logger.exception("%s failed", name)
        return None
