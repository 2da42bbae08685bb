"""Blocking functions in daemon threads."""

import asyncio
import threading

import pytest

from pocketbase_core.concurrency.threads import run_in_daemon_thread


async def test_a_function_that_returns_after_its_loop_was_closed_disturbs_nobody() -> None:
    go_on = threading.Event()

    def read() -> None:
        go_on.wait()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_in_daemon_thread(read), 0.01)

    await asyncio.to_thread(asyncio.run, give_up())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "pocketbase-file"]
    go_on.set()
    thread.join(5)
    assert not thread.is_alive()
