"""The token that a call is sent with: refreshed in time, and obtained by signing in where there are credentials.

Theory of operation:

1. `SessionSchedule` decides which step the session needs before a call is sent. In nearly all calls it needs none.
2. Otherwise the call waits for the step, which `SessionSteps` takes once for all calls. It waits for at most half of
   its timeout. The wait ends earlier when the store has a token that needs no step, another user's token, or no token.
3. If the user's last token is still valid, the call is sent with it, whether a refresh succeeded or not. If it is not,
   the call raises an error: PocketBase would handle the request as a guest's.
4. The response of a read is proven, if the server has not accepted the token for long: a check shows whether the server
   handled the request as a guest's.
"""

import asyncio
import math
import time
from typing import NamedTuple, Self

from ..auth.store import AuthStore, is_shared, lifetime_of, needs_loading
from ..auth.token import claims, expires_at, is_refreshable, is_same_user
from ..concurrency.background_tasks import BackgroundTasks
from ..errors import (
    PocketBaseError,
    PocketBaseSessionExpiredError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
)
from ..messages import Headers
from .server_clock import ServerClock
from .session_schedule import SessionSchedule, Step, TokenFacts
from .session_steps import SessionRequests, SessionSteps, StepCancelledError, running_step

WAIT_SHARE = 0.5
"""The share of a call's timeout for which the call waits for the steps before it."""


class TokenProvider:
    """Provides the tokens of one store.

    Args:
        store: The store of the signed-in user.
        requests: The requests that the steps send.
        verify_every: Seconds of use after which a token is checked again; None for never.
        tasks: The owner of the steps in progress.
    """

    def __init__(
        self, store: AuthStore, requests: SessionRequests, verify_every: float | None, tasks: BackgroundTasks
    ) -> None:
        self.store = store
        """The store of the signed-in user."""
        self.clock = ServerClock()
        """The server's time."""
        self.verify_every = verify_every
        """Seconds of use after which a token is checked again; None for never."""
        self._schedule = SessionSchedule(has_credentials=requests.sign_in is not None, verify_every=verify_every)
        self._steps = SessionSteps(store, requests, self._schedule, self.clock, tasks)
        self.compare_clocks_at = -math.inf
        """The loop's time from which on a response is to be compared with the clock."""
        self._parsed = _NO_TOKEN
        """The token of the last request: the next request has the same one, as a rule."""
        self._settled = _NOTHING_SETTLED

    @property
    def has_credentials(self) -> bool:
        """True if the client can sign in by itself."""
        return self._schedule.has_credentials

    def passes_guests(self) -> bool:
        """Return whether a call without a token is sent as it is."""
        return not (self._schedule.has_credentials or needs_loading(self.store))

    def headers(self, token: str) -> Headers:
        """Return the header that carries a token."""
        return self._parse(token).headers

    def is_unusable(self, token: str) -> bool:
        """Return whether the server would handle a request with this token as a guest's, as far as is known."""
        return self._schedule.is_unusable(self._parse(token).facts, self.clock.now())

    def local_expiry(self, token: str) -> float:
        """Return when a token expires by this machine's clock, in seconds since the epoch; infinity for never."""
        expires = self._schedule.expiry(self._parse(token).facts)
        return expires - self.clock.correction

    def refresh_time(self, token: str) -> float:
        """Return from when on a token is refreshed, by the clock of `local_expiry`; infinity for one that never is."""
        facts = self._parse(token).facts
        return self._schedule.holds_until(facts)[0] - self.clock.correction if facts.is_refreshable else math.inf

    def settled_headers(self, token: str, loop_time: float, timeout: float | None) -> Headers | None:
        """Return the header of a call that needs nothing else until its timeout, as nearly all calls; None otherwise.

        Args:
            token: The token of the call.
            loop_time: The loop's time at which the call begins.
            timeout: The timeout of the call in seconds; None is no limit.
        """
        text, headers, local_until, loop_until, revision = self._settled
        if token != text or timeout is None or revision != self._schedule.revision:
            return None
        return headers if loop_time + timeout < loop_until and time.time() + timeout < local_until else None

    def next_step(self, token: str, loop_time: float) -> Step:
        """Return the step to take before a call that begins now, at this time of the loop, is sent with a token."""
        (facts, headers), now = self._parse(token), self.clock.now()
        may_load = not token and needs_loading(self.store)
        step = self._schedule.next_step(facts, now, loop_time, called_at=loop_time, may_reload=may_load)
        if step is Step.SEND and token:
            server_time, until = self._schedule.holds_until(facts)
            until, local_time = min(until, self.compare_clocks_at), server_time - self.clock.correction
            self._settled = _Settled(token, headers, local_time, until, self._schedule.revision)
        return step

    async def obtain(self, url: str, token: str, deadline: float) -> str:
        """Wait until the user of `token` has a token that needs no step. Return the user's last token.

        Args:
            url: The URL of the call, for errors.
            token: The token that the store had when the call began.
            deadline: The loop's time at which the call ends.

        Returns:
            The token; `""` for a guest, and for a call that is part of a sign-in.

        Raises:
            PocketBaseTimeoutError: If no valid token was obtained within half of the time.
            PocketBaseUnauthorizedError: If the store has no valid token of the same user.
            Exception: If the sign-in, or loading the store, failed: the error of that.
        """
        loop = asyncio.get_running_loop()
        called_at, running = loop.time(), running_step()
        wait_until = called_at + (deadline - called_at) * WAIT_SHARE
        # A call that began without a token is for whomever the credentials sign in, or a store has that was not loaded.
        may_reload, is_for_anyone = True, not token and not self.passes_guests()
        while same_user := is_same_user(token, self.store.token) or (is_for_anyone and not token):
            token = self.store.token
            facts, now, may_load = self._parse(token).facts, self.clock.now(), may_reload and self._may_reload(token)
            step = self._schedule.next_step(facts, now, loop.time(), called_at=called_at, may_reload=may_load)
            if running is Step.SIGN_IN and step in (Step.SIGN_IN, Step.RAISE_SIGN_IN_ERROR):
                return ""
            if step in (Step.SEND, Step.RAISE_EXPIRED) or loop.time() >= wait_until or running is not None:
                break
            may_reload = may_reload and step is not Step.RELOAD
            try:
                await self._steps.take(step, token, wait_until)
            except StepCancelledError:
                break
            except Exception:
                if step is not Step.CHECK:  # a check that failed says nothing; the response will be proven
                    raise
        if (token or self.has_credentials) and self.is_unusable(token):
            raise _expired_error(url, same_user=same_user, timed_out=loop.time() >= wait_until)
        return token

    def needs_proof(self, token: str, *, is_read: bool, status: int, deadline: float) -> bool:
        """Return whether to ask `is_accepted` before a response that has arrived now is handed out.

        Args:
            token: The token of the request.
            is_read: Whether the request was a read.
            status: The status of the response.
            deadline: The loop's time at which the call ends, if it has not ended before.
        """
        needs_proof = self._schedule.needs_proof
        if not needs_proof(token, is_read=is_read, status=status, received_at=deadline):
            return False  # as nearly always: looking at the clock takes longer
        now = asyncio.get_running_loop().time()
        return needs_proof(token, is_read=is_read, status=status, received_at=now) and running_step() is None

    async def is_accepted(self, url: str, token: str, deadline: float) -> bool:
        """Return whether the server accepts a token, by a check that begins from now on.

        Args:
            url: The URL of the call, for errors.
            token: The token.
            deadline: The loop's time at which the call ends.

        Raises:
            PocketBaseTimeoutError: If the check did not end before the deadline.
            Exception: If the check failed without a decision of the server: its error.
        """
        loop = asyncio.get_running_loop()
        called_at = loop.time()
        while not self._schedule.is_accepted_since(token, called_at):
            if self._schedule.is_revoked(token):
                return False
            if loop.time() >= deadline:
                message = "the response arrived, but the token could not be checked in time"
                raise PocketBaseTimeoutError(url, message=message, request_sent=True)
            await self._steps.take(Step.CHECK, token, deadline)  # one in progress may have begun before `called_at`
        return True

    def _may_reload(self, token: str) -> bool:
        return is_shared(self.store) if token else needs_loading(self.store)

    def _parse(self, token: str) -> "_Token":
        parsed = self._parsed
        if parsed.facts.text != token:
            self._parsed = parsed = _Token.parse(token)
            lifetime = lifetime_of(self.store) if token == self.store.token else None
            self._schedule.first_used(parsed.facts, lifetime, asyncio.get_running_loop().time())
        return parsed


class _Token(NamedTuple):
    """The facts of a token, and the header that carries it."""

    facts: TokenFacts
    headers: Headers

    @classmethod
    def parse(cls, text: str) -> Self:
        expires = expires_at(text)
        is_checkable = claims(text).get("type") == "auth"
        facts = TokenFacts(text, math.inf if expires is None else expires, is_refreshable(text), is_checkable)
        return cls(facts, Headers({"Authorization": text}))


class _Settled(NamedTuple):
    """The header of calls that need no step and no proof if they end before two moments."""

    text: str
    headers: Headers
    local_time: float
    """In seconds since the epoch, by this machine's clock."""
    loop_time: float
    revision: int
    """The results of steps that this is based on."""


_NO_TOKEN = _Token.parse("")
_NOTHING_SETTLED = _Settled("", _NO_TOKEN.headers, -math.inf, -math.inf, 0)


def _expired_error(url: str, *, same_user: bool, timed_out: bool) -> PocketBaseError:
    """Return the error of a call without a valid token."""
    if not same_user:
        message = "the user signed out, or another user signed in, while the call waited; nothing was sent"
        return PocketBaseUnauthorizedError(url, 401, message=message)
    if timed_out:
        message = "no valid token was obtained in time; nothing was sent"
        return PocketBaseTimeoutError(url, message=message, request_sent=False)
    message = "the session is over: the token has expired or was revoked; sign in again. Nothing was sent"
    return PocketBaseSessionExpiredError(url, 401, message=message)
