"""Asking the server whether it still accepts the token of a connection."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from ..api import files, realtime
from ..call import Executor
from ..errors import PocketBaseUnauthorizedError
from .backoff import Backoff
from .schedule import CONNECT_TIMEOUT, VERIFY_EVERY
from .told import Told

REVOKED = "the server no longer accepts the token: what is subscribed now is what a guest may see"


class Verification:
    """Checks the token after each submission that carries one, and every `VERIFY_EVERY` seconds.

    A server that revokes a token does not tell its realtime connections. It answers submissions with a revoked token
    as it answers a guest's. `revoked` is called once for each token.
    """

    def __init__(self, executor: Executor, revoked: Callable[[PocketBaseUnauthorizedError], None]) -> None:
        self.accepted_at = time.time()
        """When a token of the present sign-in was last known to be accepted, or when it was first submitted."""
        self._executor = executor
        self._revoked = revoked
        self._told = Told()
        self._reported = ""
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, told: Told) -> None:
        """Note that a submission starts."""
        if told.sign_in != self._told.sign_in:
            self.accepted_at = time.time()
        self._told = told

    def confirmed(self, told: Told) -> None:
        """Check the token of a submission that the server has confirmed."""
        self._told = told
        if told.token and not told.has_expired:
            self._due.set()
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run(), name="realtime verification")

    def report(self, token: str, error: PocketBaseUnauthorizedError) -> None:
        """Tell that the server does not accept a token, once for each token."""
        if token != self._reported:
            self._reported = token
            self._revoked(error)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        backoff = Backoff()
        while True:
            self._due.clear()
            status = await self._ask(self._told.token) if self._told.token else 401
            pause: float | None = VERIFY_EVERY
            if status in (0, 408, 429) or status >= 500:  # proves nothing
                pause = backoff.wait()
            else:
                backoff.reset()
            if status in (401, 403):
                pause = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._due.wait()

    async def _ask(self, token: str) -> int:
        """Return the status of the server's response, 0 if there is none."""
        began = time.time()
        try:
            await self._executor.execute(files.check_token(token, CONNECT_TIMEOUT))
        except Exception as error:
            status: int = getattr(error, "status", 400)
            if status in (401, 403) and token == self._told.token:
                url = self._executor.build_url(realtime.PATH)
                self.report(token, PocketBaseUnauthorizedError(url, status, message=REVOKED))
            return status
        self.accepted_at = began
        return 200
