"""Tasks that start at once, as with `asyncio.eager_task_factory`. As a pytest plugin, this changes every event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_tasks: Any = asyncio.tasks


def start_at_once(loop: Any, work: Coroutine[Any, Any, Any], **keywords: Any) -> Any:
    """Create a task and run its first step at once.

    This task factory does on Python 3.11 what `asyncio.eager_task_factory` does since 3.12, with asyncio's task class
    that is written in Python.
    """
    task = _tasks._PyTask(work, loop=loop, **keywords)
    if not loop.is_running():
        return task
    loop._ready.pop()  # the first step, which the task has scheduled
    outer = asyncio.current_task(loop)
    if outer is not None:
        _tasks._leave_task(loop, outer)
    try:
        task._context.run(task._Task__step)
    finally:
        if outer is not None:
            _tasks._enter_task(loop, outer)
    return task


FACTORY: Any = getattr(asyncio, "eager_task_factory", start_at_once)
"""Python's own task factory, or on 3.11 the one above."""


def pytest_configure() -> None:
    """Give each event loop that is made from now on the task factory."""
    loops: Any = asyncio.BaseEventLoop
    create = loops.__init__

    def create_eager(loop: Any) -> None:
        create(loop)
        loop.set_task_factory(FACTORY)

    loops.__init__ = create_eager
