"""A step of a session may begin before the loop has called the callbacks of the step before it."""

import asyncio

from pocketbase_core import AuthStore
from pocketbase_core.concurrency.background_tasks import BackgroundTasks
from pocketbase_core.middleware.server_clock import ServerClock
from pocketbase_core.middleware.session_schedule import SessionSchedule, Step
from pocketbase_core.middleware.session_steps import SessionRequests, SessionSteps


async def test_a_step_that_begins_as_the_last_one_ends_is_not_forgotten_with_it() -> None:
    checks: list[str] = []
    second_ends, tasks = asyncio.Event(), BackgroundTasks()

    async def check(token: str) -> None:
        checks.append(token)
        if len(checks) == 1:
            asyncio.get_running_loop().call_soon(begin_again)  # called before the callbacks of this step's task
        else:
            await second_ends.wait()

    async def refresh(token: str) -> str:
        raise AssertionError("only checks are needed")

    def begin_again() -> None:
        call = steps.take(Step.CHECK, "token")
        call.send(None)
        call.close()

    schedule = SessionSchedule(has_credentials=False, verify_every=None)
    steps = SessionSteps(AuthStore(), SessionRequests(refresh, check, None), schedule, ServerClock(), tasks)
    await steps.take(Step.CHECK, "token")
    waiting = asyncio.create_task(steps.take(Step.CHECK, "token"))
    for _ in range(3):
        await asyncio.sleep(0)
    second_ends.set()
    await waiting
    assert len(checks) == 2, "the second step was forgotten while it was in progress"
    await tasks.aclose()
