"""Call the functions that users register."""

import logging
from collections.abc import Callable

_logger = logging.getLogger("pocketbase_core")


def notify(name: str, callback: Callable[..., object], *arguments: object) -> object:
    """Call a user's callback and return its result. If the callback raises, log the exception and return None.

    `CancelledError` is logged too, because a plain function cannot be cancelled. `KeyboardInterrupt` and `SystemExit`
    are raised, because they concern the whole process.

    Args:
        name: The name of the callback in the log.
        callback: The user's function.
        arguments: The arguments of the function.
    """
    try:
        return callback(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        _logger.exception("%s failed", name)
        return None
