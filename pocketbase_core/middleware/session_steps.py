"""The steps that keep a session alive: refresh, check, sign-in, and reload of the store.

Theory of operation:

- A step is a task of its own, so that a cancelled call does not end what other calls wait for. There is one task for
  each step, token and event loop, however many calls wait for it.
- A refresh or a sign-in holds the lock of the store, if processes share the store. When the process has the lock, it
  first takes over what another process has written, which may be the token that it was about to obtain.
- A step may itself lead to calls: a hook may send requests while a refresh passes through the middleware, and
  credentials send the sign-in. Such a call must not wait for the step that waits for it, so a context variable marks
  the calls that are part of a step.
"""

import asyncio
import contextlib
import copy
import logging
import math
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import NamedTuple

from ..auth.store import AuthStore, exclusive, reload
from ..auth.token import expires_at
from ..concurrency.background_tasks import BackgroundTasks
from ..errors import (
    PocketBaseConnectionError,
    PocketBaseError,
    PocketBaseSessionExpiredError,
    PocketBaseTransportError,
    is_rejection,
    log_text,
)
from .server_clock import ServerClock
from .session_schedule import SessionSchedule, Step

_logger = logging.getLogger("pocketbase_core")
_NAMES = {
    Step.REFRESH: "token refresh",
    Step.CHECK: "token check",
    Step.SIGN_IN: "sign-in",
    Step.RELOAD: "store reload",
}


class SessionRequests(NamedTuple):
    """The requests that the steps send."""

    refresh: Callable[[str], Awaitable[str]]
    """Refreshes a token, saves the new one to the store, and returns it."""
    check: Callable[[str], Awaitable[object]]
    """Raises PocketBaseUnauthorizedError if the server does not accept a token."""
    sign_in: Callable[[], Awaitable[object]] | None
    """Signs in with the credentials, and saves the token to the store. None if the client has no credentials."""


class StepCancelledError(PocketBaseConnectionError):
    """The client was closed while a call waited for a step."""


class _RunningStep(NamedTuple):
    step: Step
    task: "asyncio.Task[None]"


_current: ContextVar[_RunningStep | None] = ContextVar("pocketbase_session_step", default=None)


def running_step() -> Step | None:
    """Return the step that the running code is part of, if that step is still in progress."""
    current = _current.get()
    return None if current is None or current.task.done() else current.step


class SessionSteps:
    """Takes the steps of one store's session, and notes their results in the schedule.

    Args:
        store: The store of the signed-in user.
        requests: The requests that the steps send.
        schedule: Decides about the next step.
        clock: The server's time.
        tasks: The owner of the steps in progress.
    """

    def __init__(
        self,
        store: AuthStore,
        requests: SessionRequests,
        schedule: SessionSchedule,
        clock: ServerClock,
        tasks: BackgroundTasks,
    ) -> None:
        self._store = store
        self._requests = requests
        self._schedule = schedule
        self._clock = clock
        self._tasks = tasks
        self._in_progress: dict[tuple[asyncio.AbstractEventLoop, Step, str], asyncio.Task[None]] = {}
        """The steps in progress, by event loop, step and token."""
        self._sign_in_error: Exception | None = None
        """The error of the last sign-in, if it failed."""

    async def take(self, step: Step, token: str, wait_until: float = math.inf) -> None:
        """Take a step, or wait for the one in progress. A refresh that fails is logged, and no error.

        Args:
            step: The step.
            token: The token that the step is about.
            wait_until: The loop's time at which to return, although the step goes on.

        Raises:
            StepCancelledError: If the client is being closed.
            Exception: If another step failed, or if the error of the last sign-in is to be raised.
        """
        if step is Step.RAISE_SIGN_IN_ERROR and self._sign_in_error is not None:
            raise _copied(self._sign_in_error)
        task = self._start(step, token)
        remaining = None if wait_until == math.inf else wait_until - asyncio.get_running_loop().time()
        await asyncio.wait([task], timeout=remaining)
        if task.cancelled():
            raise StepCancelledError(message="the client was closed while the call waited", request_sent=False)
        if task.done() and (error := task.exception()) is not None:
            raise _copied(error)

    def _start(self, step: Step, token: str) -> "asyncio.Task[None]":
        """Return the task that takes a step on the running loop; start the task if there is none."""
        key = asyncio.get_running_loop(), step, token
        task = self._in_progress.get(key)
        if task is None or task.done():  # an eager task may have ended before its callback could remove it
            for other in [other for other in [*self._in_progress] if other[0].is_closed()]:
                self._in_progress.pop(other, None)
            task = self._in_progress[key] = self._tasks.create(self._run(step, token), _NAMES[step])
            task.add_done_callback(lambda task: self._end(key, task))
        return task

    def _end(self, key: tuple[asyncio.AbstractEventLoop, Step, str], task: "asyncio.Task[None]") -> None:
        if self._in_progress.get(key) is task:
            del self._in_progress[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.warning("the %s failed: %s", _NAMES[key[1]], log_text(error))

    async def _run(self, step: Step, token: str) -> None:
        task = asyncio.current_task()
        assert task is not None, "a step is a task"
        _current.set(_RunningStep(step, task))
        match step:
            case Step.REFRESH:
                await self._refresh(token)
            case Step.CHECK:
                await self._check(token)
            case Step.SIGN_IN:
                await self._sign_in(token)
            case _:
                await reload(self._store)

    async def _refresh(self, token: str) -> None:
        try:
            async with exclusive(self._store):
                if self._store.token == token:
                    began_at = asyncio.get_running_loop().time()
                    new_token = await self._requests.refresh(token)
                    self._schedule.accepted(token, began_at)
                    if self._store.token == new_token:
                        await self._note_issued(began_at)
                        return
                # Here or in another process, the token was refreshed, or somebody has signed in or out.
                self._schedule.received(self._store.token, self._lifetime())
        except Exception as error:
            _logger.warning("the token could not be refreshed: %s", log_text(error))
            if not is_rejection(error):
                self._schedule.failed(token, asyncio.get_running_loop().time())
                return
            self._schedule.refresh_refused(token)
            if _status(error) == 401:
                with contextlib.suppress(Exception):  # a check that failed has noted that
                    await self._check(token)

    async def _check(self, token: str) -> None:
        began_at = asyncio.get_running_loop().time()
        try:
            await self._requests.check(token)
        except Exception as error:
            if not is_rejection(error):
                self._schedule.failed(token, asyncio.get_running_loop().time())
                raise
            if _status(error) == 401:
                _logger.warning("the server no longer accepts the token: %s", log_text(error))
                self._schedule.revoked(token)
                return
        # A hook or a proxy may refuse the request for any reason; only a 401 is about the token.
        self._schedule.accepted(token, began_at)

    async def _sign_in(self, token: str) -> None:
        assert self._requests.sign_in is not None, "without credentials there is no sign-in"
        async with exclusive(self._store):
            if self._store.token != token:  # another process has signed in
                self._schedule.received(self._store.token, self._lifetime())
                return
            began_at = asyncio.get_running_loop().time()
            try:
                await self._requests.sign_in()
                if self._store.token in ("", token) or not await self._note_issued(began_at):
                    message = "the credentials returned without signing in: the store has no new token that is valid"
                    raise PocketBaseSessionExpiredError(status=401, message=message)
            except Exception as error:
                self._note_failed_sign_in(error)
                raise
            self._sign_in_error = None  # its traceback would keep the frames of a call alive

    def _note_failed_sign_in(self, error: Exception) -> None:
        self._sign_in_error = error
        if not isinstance(error, PocketBaseTransportError) and _status(error) < 500:
            self._schedule.sign_in_failed(asyncio.get_running_loop().time(), random.uniform(0.5, 1))

    async def _note_issued(self, began_at: float) -> bool:
        """Note the store's token, which is new. Return whether it is valid.

        If the token has expired by the clock, either the clock is wrong, and no response has corrected it, or the
        credentials have saved an old token. The server knows.
        """
        token, lifetime = self._store.token, self._lifetime()
        if lifetime <= 0:
            await self._check(token)
            if self._schedule.is_revoked(token):
                return False
            self._schedule.trusted(token)
        self._schedule.issued(token, lifetime, began_at)
        return True

    def _lifetime(self) -> float:
        """Return how many seconds the store's token will live; infinity for one that does not expire."""
        expires = expires_at(self._store.token)
        return float("inf") if expires is None else expires - self._clock.now()


def _status(error: Exception) -> int:
    return error.status if isinstance(error, PocketBaseError) else 0


def _copied(error: BaseException) -> BaseException:
    """Return a copy of an error, because each call that waited raises it, with a traceback of its own."""
    try:
        copied = copy.copy(error)
    except Exception:
        return error  # an error of the application whose arguments cannot be copied
    copied.__cause__, copied.__suppress_context__ = error.__cause__, error.__suppress_context__
    return copied.with_traceback(error.__traceback__)
