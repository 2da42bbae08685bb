"""Call the functions that users register."""

import logging
from collections.abc import Callable
from contextvars import ContextVar

_logger = logging.getLogger("pocketbase_core")

hand_over: ContextVar[Callable[[Callable[[], object]], None] | None] = ContextVar("pocketbase_hand_over", default=None)
"""Where set, a function that has notifications run elsewhere, such as on the thread that waits for the call."""


def notify(name: str, callback: Callable[..., object], *arguments: object) -> None:
    """Call a user's callback that returns nothing, at once or where `hand_over` says. See `call_safely`."""
    elsewhere = hand_over.get()
    if elsewhere is None:
        call_safely(name, callback, *arguments)
    else:
        elsewhere(lambda: call_safely(name, callback, *arguments))


def call_safely(name: str, callback: Callable[..., object], *arguments: object) -> object:
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
