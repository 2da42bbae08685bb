"""The decision what has to happen before a call is sent, made without a clock and without I/O.

Theory of operation
===================

PocketBase treats a request whose token has expired, or was revoked, as a guest's: it responds with fewer records, and
with no error. So before each call `next_step` looks at the token, and returns the one step to take. The caller takes
the step, notes its result here, and asks again, until the step is to send the call or to raise an error.

`next_step` is a table that is read from top to bottom; the first row that matches is the step:

1. Without a token, a client without credentials is a guest. A client with credentials signs in.
2. A token that the server has revoked, or that has expired, is never sent. A client with credentials signs in. Without
   credentials, the call is an error.
3. A token that expires soon is refreshed, unless the server has refused that, or an attempt has just failed.
4. A client with credentials checks a token that the server has not accepted for `verify_every` seconds.
5. Otherwise the call is sent.

A sign-in that the server has refused is not repeated at once. Until the end of a pause, which grows with each failure,
all calls that would need it raise its error.

Each result is about one token, so a token that somebody has put into the store since is judged on its own. Expiries are
compared with the server's time; pauses and the age of checks are measured by the event loop's clock, which is monotonic.
"""

from enum import Enum, auto
from typing import NamedTuple

from ..backoff import full_jitter

REFRESH_MARGIN = 60.0
"""Seconds before its expiry from which on a token is refreshed."""
RETRY_PAUSE = 5.0
"""Seconds from a refresh or a check that failed to the next attempt with the same token."""
MAX_SIGN_IN_PAUSE = 60.0
"""The longest pause, in seconds, after a sign-in that the server has refused."""


class Step(Enum):
    """What to do next."""

    SEND = auto()
    """Send the call."""
    REFRESH = auto()
    """Refresh the token."""
    SIGN_IN = auto()
    """Sign in with the credentials."""
    CHECK = auto()
    """Ask the server whether it accepts the token."""
    RAISE_EXPIRED = auto()
    """Raise an error: the session is over, and there are no credentials."""
    RAISE_SIGN_IN_ERROR = auto()
    """Raise the error of the last sign-in."""


class TokenFacts(NamedTuple):
    """What can be read from a token."""

    text: str
    """`""` if nobody is signed in."""
    expires: float | None
    """The expiry in seconds since the epoch; None for a token without one."""
    is_refreshable: bool


class SessionSchedule:
    """The results of the steps so far, which decide about the next one. Every time is an argument.

    Args:
        has_credentials: Whether the client can sign in by itself.
        verify_every: For how many seconds a token counts as accepted after the server has accepted it; None is for as
            long as it lives. Without credentials, tokens are not checked.
    """

    def __init__(self, *, has_credentials: bool = False, verify_every: float | None = None) -> None:
        self._has_credentials = has_credentials
        self._verify_every = verify_every if has_credentials else None
        self._margin = REFRESH_MARGIN
        self._margin_token = ""
        """The token that `_margin` is for."""
        self._revoked_token = ""
        self._paused_token = ""
        """The token whose refresh or check failed, and which is left alone until `_retry_at`."""
        self._retry_at = 0.0
        self._accepted_token = ""
        self._accepted_at = 0.0
        """When the request with which the server has accepted `_accepted_token` began."""
        self._sign_in_failures = 0
        self._sign_in_at = 0.0
        """The end of the pause after a sign-in that the server has refused."""

    def next_step(self, token: TokenFacts, now: float, loop_time: float) -> Step:
        """Return the step to take before a call with this token is sent.

        Args:
            token: The token of the call.
            now: The server's time in seconds since the epoch.
            loop_time: The time of the running event loop, in seconds.
        """
        if not token.text and not self._has_credentials:
            return Step.SEND
        if not token.text or token.text == self._revoked_token or _has_expired(token, now):
            if not self._has_credentials:
                return Step.RAISE_EXPIRED
            return Step.RAISE_SIGN_IN_ERROR if loop_time < self._sign_in_at else Step.SIGN_IN
        if token.text == self._paused_token and loop_time < self._retry_at:
            return Step.SEND
        if self._is_due(token, now):
            return Step.REFRESH
        return Step.SEND if self.is_accepted(token.text, loop_time) else Step.CHECK

    def is_accepted(self, token: str, loop_time: float) -> bool:
        """Return whether the server has accepted a token recently enough.

        A revoked token is never accepted again. So with `loop_time` of a response, True proves that the server did not
        handle its request as a guest's, except for the last `verify_every` seconds.
        """
        if self._verify_every is None:
            return True
        return token == self._accepted_token and loop_time <= self._accepted_at + self._verify_every

    def accepted(self, token: str, began_at: float) -> None:
        """Note that the server has accepted a token, by a request that began at this time of the loop."""
        if token != self._accepted_token or began_at > self._accepted_at:
            self._accepted_token, self._accepted_at = token, began_at

    def obtained(self, token: str, lifetime: float, began_at: float) -> None:
        """Note the token that a refresh or a sign-in resulted in, and how many seconds it lives.

        A server may issue tokens that live for less than a minute: these are refreshed after half of their lifetime.
        """
        self._margin_token, self._margin = token, min(REFRESH_MARGIN, lifetime / 2)
        self._sign_in_failures = 0
        self.accepted(token, began_at)

    def refresh_refused(self, token: str) -> None:
        """Note that the server refuses to refresh a token for a reason of its own: there is no second attempt."""
        self._margin_token, self._margin = token, 0.0

    def revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        self._revoked_token = token

    def failed(self, token: str, loop_time: float) -> None:
        """Note that a refresh or a check failed without a decision of the server: the next attempt is 5 s later."""
        self._paused_token, self._retry_at = token, loop_time + RETRY_PAUSE

    def sign_in_refused(self, loop_time: float, fraction: float) -> None:
        """Note that the server has refused the credentials; `fraction` is a random number from 0 to 1."""
        self._sign_in_at = loop_time + full_jitter(self._sign_in_failures, RETRY_PAUSE, MAX_SIGN_IN_PAUSE, fraction)
        self._sign_in_failures += 1

    def _is_due(self, token: TokenFacts, now: float) -> bool:
        margin = self._margin if token.text == self._margin_token else REFRESH_MARGIN
        return token.is_refreshable and token.expires is not None and token.expires <= now + margin


def _has_expired(token: TokenFacts, now: float) -> bool:
    return token.expires is not None and token.expires <= now
