"""The decision what has to happen before a call is sent, made without a clock and without I/O.

Theory of operation
===================

PocketBase handles a request whose token has expired, or was revoked, as a guest's: the response has fewer records, and
is not an error. So before each call `next_step` looks at the token, and returns the one step to take. The caller takes
the step, notes its result here, and asks again, until the step is to send the call or to raise an error.

`next_step` is a table that is read from top to bottom; the first row that matches is the step:

1. Without a token, a client without credentials is a guest, unless its store has still to be loaded. A client with
   credentials signs in.
2. A token that the server has revoked, or that has expired, is never sent. A client with credentials signs in. Without
   credentials, the call is an error, unless another process may have put a new token into the store.
3. A token that expires soon is refreshed, unless the server has refused that, or an attempt has just failed.
4. A token that the server has not accepted for `verify_every` seconds is checked.
5. Otherwise the call is sent.

A sign-in that the server has refused is not repeated at once. Until the end of a pause, which grows with each failure,
all calls that would need it raise its error.

`needs_proof` is the same decision after a response. A revoked token never becomes valid again. So a check that succeeds
proves that no request before it was handled as a guest's.

Each result is about one token, so a token that somebody has put into the store since is judged on its own. Expiries
are compared with the server's time; pauses and the age of checks are measured by the event loop's clock, which is
monotonic.
"""

import math
from enum import Enum, auto
from typing import NamedTuple

from ..backoff import full_jitter

REFRESH_MARGIN = 60.0
"""Seconds before its expiry from which on a token is refreshed."""
REFRESH_SHARE = 0.1
"""The last share of its lifetime in which a token is refreshed, if that is longer than the margin."""
RETRY_PAUSE = 5.0
"""Seconds from a refresh or a check that failed to the next attempt with the same token."""
SIGN_IN_PAUSE = 10.0
"""The longest pause, in seconds, after the first sign-in that failed. It doubles with each further failure."""
MAX_SIGN_IN_PAUSE = 60.0
"""The longest pause, in seconds, after any number of sign-ins that failed."""
REFUSAL_PROOF_AGE = 5.0
"""The seconds for which a check proves that a response with status 401 or 403 was not a guest's."""
KNOWN_TOKENS = 4
"""For how many tokens to remember that the server has accepted them: calls in progress may have former ones."""


class Step(Enum):
    """An action that the session needs before a call is sent."""

    SEND = auto()
    """Send the call."""
    RELOAD = auto()
    """Take over what another process has written to the store."""
    REFRESH = auto()
    """Refresh the token."""
    CHECK = auto()
    """Ask the server whether it accepts the token."""
    SIGN_IN = auto()
    """Sign in with the credentials."""
    RAISE_SIGN_IN_ERROR = auto()
    """Raise the error of the last sign-in."""
    RAISE_EXPIRED = auto()
    """Raise an error: the session is over, and there are no credentials."""


class TokenFacts(NamedTuple):
    """The facts that can be read from a token."""

    text: str
    """`""` if nobody is signed in."""
    expires: float
    """The expiry in seconds since the epoch; infinity for a token without one."""
    is_refreshable: bool
    is_checkable: bool
    """True if PocketBase has issued the token. Another one may be for a proxy, so that a check proves nothing."""


class SessionSchedule:
    """The results of the steps so far, which decide about the next one. Every time is an argument.

    Args:
        has_credentials: Whether the client can sign in by itself.
        verify_every: For how many seconds a token counts as accepted after the server has accepted it; None is for as
            long as it lives.
    """

    def __init__(self, *, has_credentials: bool = False, verify_every: float | None = None) -> None:
        self.has_credentials = has_credentials
        """True if the client can sign in by itself."""
        self.revision = 0
        """The number of results so far. An earlier decision may no longer hold after a result."""
        self._verify_every = verify_every
        self._margin = REFRESH_MARGIN
        self._margin_token = ""
        """The token that `_margin` is for."""
        self._trusted_token = ""
        """A token that the server accepts although it has expired by this machine's clock: the clock is wrong."""
        self._revoked_token = ""
        self._paused_token = ""
        """The token whose refresh or check failed, and which is left alone until `_retry_at`."""
        self._retry_at = 0.0
        self._accepted_at: dict[str, float] = {}
        """When the last request with which the server has accepted a token began, by token; the newest is the last."""
        self._sign_in_failures = 0
        self._sign_in_at = 0.0
        """The end of the pause after a sign-in that failed."""

    def next_step(
        self, token: TokenFacts, now: float, loop_time: float, *, called_at: float, may_reload: bool = False
    ) -> Step:
        """Return the step to take before a call with this token is sent.

        Args:
            token: The token of the call.
            now: The server's time in seconds since the epoch.
            loop_time: The time of the running event loop, in seconds.
            called_at: The loop's time at which the call began. A check that began after it is recent enough.
            may_reload: Whether another process may have written to the store since this one has last looked.
        """
        if not token.text and not self.has_credentials:
            return Step.RELOAD if may_reload else Step.SEND
        if self.is_unusable(token, now):
            if not self.has_credentials:
                return Step.RELOAD if may_reload else Step.RAISE_EXPIRED
            return Step.RAISE_SIGN_IN_ERROR if loop_time < self._sign_in_at else Step.SIGN_IN
        if token.text == self._paused_token and loop_time < self._retry_at:
            return Step.SEND
        if token.is_refreshable and now < token.expires <= now + self._margin_of(token.text):
            return Step.REFRESH
        return Step.SEND if self._is_accepted(token.text, called_at, self._verify_every) else Step.CHECK

    def holds_until(self, token: TokenFacts) -> tuple[float, float]:
        """Return until when a decision to send calls with this token holds, if there is no new result before.

        Returns:
            The server's time in seconds since the epoch, and the loop's time.
        """
        expiry = self.expiry(token)
        max_age = math.inf if self._verify_every is None else self._verify_every
        return (
            expiry - self._margin_of(token.text) if token.is_refreshable else expiry,
            self._accepted_at.get(token.text, -math.inf) + max_age,
        )

    def is_unusable(self, token: TokenFacts, now: float) -> bool:
        """Return whether the server would handle a request with this token as a guest's."""
        if not token.text or token.text == self._revoked_token:
            return True
        return token.expires <= now and token.text != self._trusted_token

    def expiry(self, token: TokenFacts) -> float:
        """Return when a token expires by the server's time, in seconds since the epoch; infinity for never."""
        return math.inf if token.text == self._trusted_token else token.expires

    def needs_proof(self, token: str, *, is_read: bool, status: int, received_at: float) -> bool:
        """Return whether the token of a response has to be checked before the response is handed out.

        A response to a write is handed out in any case: whoever made the write has to know that it took place.

        Args:
            token: The token of the request.
            is_read: Whether the request was a read.
            status: The status of the response.
            received_at: The loop's time at which the response arrived.
        """
        if self.has_credentials and self._verify_every is not None and status in (401, 403):
            return not self._is_accepted(token, received_at, min(self._verify_every, REFUSAL_PROOF_AGE))
        return is_read and not self._is_accepted(token, received_at, self._verify_every)

    def is_accepted_since(self, token: str, moment: float) -> bool:
        """Return whether the server has accepted a token by a request that began at or after this time of the loop."""
        return self._is_accepted(token, moment, 0.0)

    def is_revoked(self, token: str) -> bool:
        """Return whether the server is known to have revoked a token."""
        return token == self._revoked_token

    def accepted(self, token: str, began_at: float) -> None:
        """Note that the server has accepted a token, by a request that began at this time of the loop."""
        self.revision += 1
        accepted_at = max(began_at, self._accepted_at.pop(token, began_at))
        self._accepted_at[token] = accepted_at
        if len(self._accepted_at) > KNOWN_TOKENS:
            del self._accepted_at[next(iter(self._accepted_at))]

    def first_used(self, token: TokenFacts, lifetime: float | None, moment: float) -> None:
        """Note the use of a token that may be unknown.

        Without credentials, such a token counts as accepted, so that a client that lives for one call sends no check.

        Args:
            token: The token.
            lifetime: The seconds that the token had to live when the server issued it; None if that is not known.
            moment: The loop's time.
        """
        if lifetime is not None and token.text != self._margin_token:
            self._margin_token, self._margin = token.text, _margin(lifetime)
        if not token.is_checkable:
            self.accepted(token.text, math.inf)
        elif not self.has_credentials and token.text not in self._accepted_at:
            self.accepted(token.text, math.nextafter(moment, -math.inf))  # no proof for a request that begins now

    def received(self, token: str, lifetime: float) -> None:
        """Note a new token that this process or another one has received, and how many seconds it will live."""
        self.revision += 1
        self._margin_token, self._margin = token, _margin(lifetime)
        self._sign_in_failures, self._sign_in_at = 0, 0.0

    def issued(self, token: str, lifetime: float, began_at: float) -> None:
        """Note a token that the server has issued to this process, by a request that began at this time of the loop."""
        self.received(token, lifetime)
        self.accepted(token, began_at)

    def trusted(self, token: str) -> None:
        """Note that the server accepts a token that has expired by this machine's clock."""
        self.revision += 1
        self._trusted_token = token

    def refresh_refused(self, token: str) -> None:
        """Note that the server refuses to refresh a token for a reason of its own: there is no second attempt."""
        self.revision += 1
        self._margin_token, self._margin = token, 0.0

    def revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        self.revision += 1
        self._revoked_token = token

    def failed(self, token: str, loop_time: float) -> None:
        """Note that a refresh or a check failed without a decision of the server: the next attempt is 5 s later."""
        self.revision += 1
        self._paused_token, self._retry_at = token, loop_time + RETRY_PAUSE

    def sign_in_failed(self, loop_time: float, fraction: float) -> None:
        """Note that a sign-in failed in a way that repeating it at once cannot help.

        Args:
            loop_time: The time of the running event loop, in seconds.
            fraction: A random number from 0.5 to 1, which the longest pause is multiplied by.
        """
        self._sign_in_at = loop_time + full_jitter(self._sign_in_failures, SIGN_IN_PAUSE, MAX_SIGN_IN_PAUSE, fraction)
        self._sign_in_failures += 1

    def _margin_of(self, token: str) -> float:
        return self._margin if token == self._margin_token else REFRESH_MARGIN

    def _is_accepted(self, token: str, moment: float, max_age: float | None) -> bool:
        return max_age is None or moment <= self._accepted_at.get(token, -math.inf) + max_age


def _margin(lifetime: float) -> float:
    """Return how many seconds before its expiry a token is refreshed that lives for so many seconds.

    A client that makes a call every hour would never see the last minute of a token that lives for two weeks. And a
    server may issue tokens that live for less than two minutes: these are refreshed after half of their lifetime.
    """
    return min(max(REFRESH_MARGIN, lifetime * REFRESH_SHARE), lifetime / 2) if lifetime < math.inf else REFRESH_MARGIN
