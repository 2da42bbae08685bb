"""Regular checks of the token."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from ..concurrency.background_tasks import wait_until_done
from ..endpoints import files, realtime
from ..errors import PocketBaseUnauthorizedError
from ..pipeline import Pipeline
from .backoff import Backoff
from .timing import CONNECT_TIMEOUT, VERIFY_EVERY

SEEN_AS_GUEST = "from now on the subscriptions receive only what a guest may see"


class TokenVerification:
    """A task that checks the token when `check_soon` is called, and every `VERIFY_EVERY` seconds from then on.

    A server that revokes a token does not end the realtime connections of its user, and it treats a submission with a
    revoked token as a guest's.

    Args:
        pipeline: Sends the requests.
        on_revoked: Called once for each token that the server no longer accepts.
    """

    def __init__(self, pipeline: Pipeline, on_revoked: Callable[[PocketBaseUnauthorizedError], None]) -> None:
        self.accepted_at = time.time()
        """When the last check that found the token accepted began, or when the sign-in was first seen.

        Seconds since the epoch.
        """
        self._pipeline = pipeline
        self._on_revoked = on_revoked
        self._reported = ""
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def restart(self) -> float:
        """Note another sign-in. Return when the token of the one before was last known to be accepted."""
        before, self.accepted_at = self.accepted_at, time.time()
        return before

    def check_soon(self) -> None:
        """Check the present token soon, in the task."""
        self._due.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="realtime verification")

    def report(self, token: str, reason: str, status: int = 0) -> None:
        """Call `on_revoked` with an error, unless the token was reported before.

        Args:
            token: The token that is no longer accepted.
            reason: Why, in words for the error's message.
            status: The status of the server's response; 0 if there is none.
        """
        if token != self._reported:
            self._reported = token
            url = self._pipeline.build_url(realtime.PATH)
            self._on_revoked(PocketBaseUnauthorizedError(url, status, message=f"{reason}: {SEEN_AS_GUEST}"))

    async def close(self) -> None:
        """Cancel the task, and wait until it has ended."""
        if self._task is not None:
            self._task.cancel()
            await wait_until_done(self._task)

    async def _run(self) -> None:
        backoff = Backoff(VERIFY_EVERY)
        while True:
            self._due.clear()
            delay = VERIFY_EVERY
            token = self._pipeline.auth_store.token
            if token not in ("", self._reported):
                status = await self._check(token)
                if status in (0, 408, 429) or status >= 500:  # says nothing about the token
                    delay = backoff.wait()
                else:
                    backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._due.wait()

    async def _check(self, token: str) -> int:
        """Return the status of the server's response; 0 if there is none.

        Only a 401 means that the token is revoked: a hook or a proxy may answer 403 to requests of any user.
        """
        started_at = time.time()
        try:
            await self._pipeline.execute(files.check_token(token, CONNECT_TIMEOUT).without_retries())
        except Exception as error:
            status: int = getattr(error, "status", 400)
            if status == 401 and token == self._pipeline.auth_store.token:
                self.report(token, "the server no longer accepts the token", status)
            return status
        self.accepted_at = started_at
        return 200
