"""Who is told about the connection."""

import inspect
import logging
from collections.abc import Awaitable, Callable

from ..callbacks import notify
from ..tasks import Tasks

_logger = logging.getLogger("pocketbase_core")


class Hooks:
    """Functions and coroutine functions, told in the order in which they were added."""

    def __init__(self, tasks: Tasks) -> None:
        self._hooks: list[Callable[..., object]] = []
        self._tasks = tasks

    def add(self, hook: Callable[..., object]) -> Callable[[], None]:
        """Returns a function that removes it."""
        self._hooks.append(hook)

        def remove() -> None:
            if hook in self._hooks:
                self._hooks.remove(hook)

        return remove

    def tell(self, *arguments: object) -> None:
        """Never waits, and never fails."""
        for hook in [*self._hooks]:
            result = notify("a realtime hook", hook, *arguments)
            if inspect.isawaitable(result):
                self._tasks.start(_finish(result), "realtime hook")


async def _finish(result: Awaitable[object]) -> None:
    try:
        await result
    except Exception:
        _logger.exception("a realtime hook failed")
