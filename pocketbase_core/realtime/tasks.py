"""Tasks that must not outlive their owner."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from ..loops import OwnerLoop


async def ended(task: "asyncio.Task[None]") -> None:
    """Wait for a cancelled task to end, also if the caller is cancelled: a cancelled task ends soon."""
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class Tasks:
    """The running tasks of one owner, on whatever loops, which end with the owner."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], OwnerLoop] = {}
        self._owner: OwnerLoop | None = None

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._owner is None or not self._owner.is_current:
            self._owner = OwnerLoop()
            self._forget_gone()
        task = self._owner.loop.create_task(work, name=name)
        self._running[task] = self._owner
        task.add_done_callback(self._discard)

    async def aclose(self) -> None:
        """Cancel all tasks but the calling one, and wait for them."""
        for owner in {*self._running.copy().values()}:
            await owner.run(partial(self._end, owner))
        self._forget_gone()

    async def _end(self, owner: OwnerLoop) -> None:
        others = {task for task, its in self._running.copy().items() if its is owner} - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    def _forget_gone(self) -> None:
        """Drop the tasks of loops that are gone, which will never end."""
        for task in [task for task, owner in self._running.copy().items() if owner.is_gone]:
            self._discard(task)

    def _discard(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
