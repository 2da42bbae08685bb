"""Background tasks that do not outlive their owner."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from .event_loops import OwnerLoop


async def wait_until_done(task: "asyncio.Task[None]") -> None:
    """Wait until a cancelled task has ended, even if the caller is cancelled too."""
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class BackgroundTasks:
    """The running tasks of one owner, which may run on several event loops."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], OwnerLoop] = {}
        self._owner: OwnerLoop | None = None

    def create(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Start a task on the running loop. The task is kept until it ends."""
        owner = self._owner
        if owner is None or not owner.is_current:
            owner = self._owner = OwnerLoop()
            self._forget_dead_loops()
        task = owner.loop.create_task(work, name=name)  # not `self._owner`, which another thread may have set
        self._running[task] = owner
        task.add_done_callback(self._discard)
        return task

    async def aclose(self) -> None:
        """Cancel all tasks except the calling one, each on its own loop, and wait until they have ended."""
        for owner in {*self._running.copy().values()}:
            await owner.run(partial(self._cancel_tasks, owner))
        self._forget_dead_loops()

    async def _cancel_tasks(self, owner: OwnerLoop) -> None:
        others = {task for task, each in self._running.copy().items() if each is owner} - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    def _forget_dead_loops(self) -> None:
        """Forget the tasks of loops that will never run again."""
        for task in [task for task, owner in self._running.copy().items() if owner.is_gone]:
            self._discard(task)

    def _discard(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
