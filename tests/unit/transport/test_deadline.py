"""Deadlines, in virtual time."""

import asyncio
import contextlib
import logging
import threading
from typing import Any

import pytest

from pocketbase_core.transport.deadline import Deadline

from ...helpers.virtual_clock import pass_time, run


async def block(seconds: float, work: float) -> str:
    """Return how a block of `work` seconds ends under a deadline of `seconds`."""
    deadline = Deadline(seconds)
    deadline.start()
    exc_type: type[BaseException] | None = None
    try:
        await pass_time(work)
    except asyncio.CancelledError:
        exc_type = asyncio.CancelledError
    if deadline.stop(exc_type):
        return f"late at {asyncio.get_running_loop().time():g}"
    return "cancelled" if exc_type else "in time"


def timers() -> int:
    loop: Any = asyncio.get_running_loop()
    return sum(not handle.cancelled() for handle in loop._scheduled)


def test_each_block_has_its_own_deadline() -> None:
    async def main() -> list[str]:
        return [*await asyncio.gather(block(3, 9), block(1, 9), block(2, 1), block(2, 9), block(1, 0.5))]

    assert run(main()) == ["late at 3", "late at 1", "in time", "late at 2", "in time"]


def test_a_later_deadline_does_not_delay_an_earlier_one() -> None:
    async def main() -> list[str]:
        return [*await asyncio.gather(block(1, 9), block(3, 9))]

    assert run(main()) == ["late at 1", "late at 3"]


def test_a_block_that_uncancels_an_earlier_cancellation_still_times_out() -> None:
    async def main() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(task.uncancel)
        return await block(1, 9)

    assert run(main()) == "late at 1"


def test_all_deadlines_of_a_loop_share_one_timer() -> None:
    async def main() -> None:
        before = timers()
        tasks = [asyncio.create_task(block(30 + abs(50 - number), 1)) for number in range(100)]
        await asyncio.sleep(0)
        assert timers() - before == 101, "one timer for the deadlines, and one for each sleep"
        assert set(await asyncio.gather(*tasks)) == {"in time"}

    run(main())


def test_a_postponed_deadline_counts_from_the_last_postponement() -> None:
    async def main() -> float:
        deadline = Deadline(2)
        deadline.start()
        with pytest.raises(asyncio.CancelledError):
            for _ in range(3):
                await pass_time(1.5)
                deadline.postpone()
            await pass_time(9)
        assert deadline.stop(asyncio.CancelledError)
        return asyncio.get_running_loop().time()

    assert run(main()) == 6.5


def test_a_deadline_that_is_left_to_the_library_comes_after_the_librarys_timeout() -> None:
    async def main() -> tuple[float, float]:
        deadline = Deadline(3)
        deadline.start()
        await pass_time(1)
        seconds = deadline.leave_to_library()
        with contextlib.suppress(asyncio.CancelledError):
            await pass_time(9)
        assert deadline.stop(asyncio.CancelledError)
        return seconds, asyncio.get_running_loop().time()

    assert run(main()) == (2, 3.25)


def test_a_cancellation_by_another_task_is_not_a_timeout() -> None:
    async def main() -> tuple[str, int]:
        task = asyncio.create_task(block(5, 9))
        await pass_time(1)
        task.cancel()
        return await task, task.cancelling()

    assert run(main()) == ("cancelled", 1)


def test_a_cancellation_at_the_same_time_takes_precedence() -> None:
    async def main() -> tuple[str, int]:
        task = asyncio.create_task(block(1, 9))
        asyncio.get_running_loop().call_at(1, task.cancel)
        return await task, task.cancelling()

    assert run(main()) == ("cancelled", 1)


def test_a_block_that_ended_does_not_change_later_deadlines(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> str:
        assert await block(2, 1) == "in time"
        await pass_time(5)
        assert await block(1, 0.5) == "in time"
        await pass_time(5)
        return await block(1, 9)

    assert run(main()) == "late at 12.5"
    assert not [each for each in caplog.records if each.levelno > logging.DEBUG], "asyncio reports no error"


def test_a_block_that_cleans_up_is_not_cancelled_again() -> None:
    async def main() -> tuple[bool, float]:
        deadline = Deadline(1)
        deadline.start()
        with pytest.raises(asyncio.CancelledError):
            await pass_time(9)
        await pass_time(1)
        return deadline.stop(asyncio.CancelledError), asyncio.get_running_loop().time()

    assert run(main()) == (True, 2.0)


def test_another_error_of_the_block_is_not_a_timeout() -> None:
    async def main() -> bool:
        deadline = Deadline(1)
        deadline.start()
        with pytest.raises(asyncio.CancelledError):
            await pass_time(9)
        return deadline.stop(ValueError)

    assert not run(main())


def test_deadlines_work_on_loops_that_alternate_in_one_thread() -> None:
    def turns() -> None:
        loops = [asyncio.new_event_loop() for _ in range(2)]
        tasks = [loop.create_task(real(0.05)) for loop in loops for _ in range(2)]
        while not all(task.done() for task in tasks):
            for loop in loops:
                loop.run_until_complete(asyncio.sleep(0))
        ended.extend(task.result() for task in tasks)
        for loop in loops:
            loop.close()

    async def real(seconds: float) -> bool:
        deadline = Deadline(seconds)
        deadline.start()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return deadline.stop(asyncio.CancelledError)
        return False

    ended: list[bool] = []
    thread = threading.Thread(target=turns)
    thread.start()
    thread.join()
    assert ended == [True] * 4


def test_a_deadline_outside_of_a_task_raises_a_runtime_error() -> None:
    async def main() -> None:
        failed: list[Exception] = []

        def enter() -> None:
            try:
                Deadline(1).start()
            except RuntimeError as error:
                failed.append(error)

        asyncio.get_running_loop().call_soon(enter)
        await asyncio.sleep(0)
        assert failed, "a deadline can only cancel a task"

    run(main())
