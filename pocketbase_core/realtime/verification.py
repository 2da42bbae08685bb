"""Regular checks of the token."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from ..auth.store import AuthStore
from ..concurrency.background_tasks import wait_until_done
from ..endpoints import files, realtime
from ..errors import PocketBaseUnauthorizedError
from ..pipeline import Pipeline
from .backoff import Backoff
from .timing import CONNECT_TIMEOUT, VERIFY_EVERY

SEEN_AS_GUEST = "what is subscribed now is what a guest may see"


class TokenVerification:
    """A task that checks the token when asked to, and every `VERIFY_EVERY` seconds from then on.

    A server that revokes a token does not tell its realtime connections. It answers submissions with a revoked token
    as it answers a guest's. `revoked` is called once for each token.
    """

    def __init__(
        self, pipeline: Pipeline, store: AuthStore, revoked: Callable[[PocketBaseUnauthorizedError], None]
    ) -> None:
        self.accepted_at = time.time()
        """The time of the last check that found the present sign-in accepted; before the first, when it began."""
        self._pipeline = pipeline
        self._store = store
        self._on_revoked = revoked
        self._reported = ""
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def restart(self) -> float:
        """Note that another sign-in has begun. Return when the sign-in before was last known to be accepted."""
        before, self.accepted_at = self.accepted_at, time.time()
        return before

    def check_soon(self) -> None:
        """Have the present token checked soon."""
        self._due.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="realtime verification")

    def report(self, token: str, reason: str, status: int = 0) -> None:
        """Call `revoked` with an error that says so, unless the token was reported before."""
        if token != self._reported:
            self._reported = token
            url = self._pipeline.build_url(realtime.PATH)
            self._on_revoked(PocketBaseUnauthorizedError(url, status, message=f"{reason}: {SEEN_AS_GUEST}"))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await wait_until_done(self._task)

    async def _run(self) -> None:
        backoff = Backoff(VERIFY_EVERY)
        while True:
            self._due.clear()
            pause = VERIFY_EVERY
            token = self._store.token
            if token not in ("", self._reported):
                status = await self._check(token)
                if status in (0, 408, 429) or status >= 500:  # proves nothing
                    pause = backoff.wait()
                else:
                    backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._due.wait()

    async def _check(self, token: str) -> int:
        """Return the status of the server's response, 0 if there is none.

        A 403 is no verdict on the token: a hook or a proxy may keep anybody from having a file token.
        """
        began = time.time()
        try:
            await self._pipeline.execute(files.check_token(token, CONNECT_TIMEOUT).without_retries())
        except Exception as error:
            status: int = getattr(error, "status", 400)
            if status == 401 and token == self._store.token:
                self.report(token, "the server no longer accepts the token", status)
            return status
        self.accepted_at = began
        return 200
