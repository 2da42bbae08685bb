"""Regular checks of the token."""

import asyncio
import contextlib
import math
import time

from ..concurrency.background_tasks import wait_until_done
from ..endpoints import realtime
from .backoff import Backoff
from .client_parts import ClientParts
from .timing import CONNECT_TIMEOUT, MAX_CHECK_DELAY, MIN_CHECK_INTERVAL


class TokenVerification:
    """Checks the token when asked to, and in a task as often as the client wants.

    A server that revokes a token does not end the realtime connections of its user, and it treats a submission with a
    revoked token as a guest's. A check is shared with all other calls of the process, and so is its result: see
    `SessionSteps`.

    Args:
        client: The parts of the client.
    """

    def __init__(self, client: ClientParts) -> None:
        self.accepted_at = time.time()
        """When the last check that found the token accepted began, or when the sign-in was first seen.

        Seconds since the epoch.
        """
        self._pipeline, self._tokens = client.pipeline, client.tokens
        self._loop = asyncio.get_running_loop()
        self._backoff = Backoff(MAX_CHECK_DELAY)
        self._due_at = math.inf
        """The loop's time of the next check."""
        self._is_rescheduled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def restart(self) -> float:
        """Note another sign-in. Return when the token of the one before was last known to be accepted."""
        before, self.accepted_at = self.accepted_at, time.time()
        return before

    def check_soon(self) -> None:
        """Check the present token soon, in the task."""
        self._schedule(0.0)

    async def check(self) -> bool:
        """Check the present token. Return False if the server does not accept it, or if it has expired.

        If the server does not decide, the task repeats the check, with delays that grow. A guest has nothing to check.
        """
        self._due_at = math.inf
        if not self._pipeline.auth_store.token:
            return True
        store, tokens = self._pipeline.auth_store, self._tokens()
        token, began_at = store.token, time.time()
        is_accepted = False
        delay = math.inf if tokens.verify_every is None else max(tokens.verify_every, MIN_CHECK_INTERVAL)
        if not tokens.is_unusable(token):
            url, deadline = self._pipeline.build_url(realtime.PATH), self._loop.time() + CONNECT_TIMEOUT
            try:
                is_accepted = await tokens.is_accepted(url, token, deadline)
                self._backoff.reset()
                if is_accepted:
                    self.accepted_at = began_at
            except Exception:  # the server has not decided; the step has logged the error
                is_accepted, delay = True, self._backoff.wait()
        self._schedule(self._loop.time() + delay)
        return is_accepted

    async def close(self) -> None:
        """Cancel the task, and wait until it has ended."""
        if self._task is not None:
            self._task.cancel()
            await wait_until_done(self._task)

    def _schedule(self, due_at: float) -> None:
        self._due_at = min(self._due_at, due_at)
        self._is_rescheduled.set()
        if self._task is None:
            self._task = self._loop.create_task(self._run(), name="realtime verification")

    async def _run(self) -> None:
        while True:
            self._is_rescheduled.clear()
            if self._loop.time() >= self._due_at:
                await self.check()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if self._due_at == math.inf else self._due_at):
                    await self._is_rescheduled.wait()
