"""The session of the signed-in user: when it ends, and what the application is told about that.

A token that has expired, or is known to be revoked, is never sent. So without credentials the session is over, until
somebody signs in. A client with credentials signs in again: its next attempt to connect does that before it sends
anything.
"""

import logging
import math
import time

from ..auth.store import is_shared
from ..endpoints import realtime
from ..errors import PocketBaseSessionExpiredError, PocketBaseUnauthorizedError, log_text
from .client_parts import ClientParts
from .timing import RELOAD_INTERVAL, submit_again_at

_logger = logging.getLogger("pocketbase_core")


class UserSession:
    """The session of the user who is signed in now, as far as is known.

    Args:
        client: The parts of the client.
    """

    def __init__(self, client: ClientParts) -> None:
        self._pipeline, self._tokens = client.pipeline, client.tokens
        self._on_error = client.callbacks.on_error
        self._revoked_token = ""
        """A token that a check has found revoked, until this is reported."""
        self._reported_token = ""
        self._reported_failure: tuple[type, str] | None = None
        self._over_token = ""
        """The token with which an attempt to connect has failed, because the session is over."""
        self._reload_at = math.inf

    @property
    def has_credentials(self) -> bool:
        """True if the client signs in by itself."""
        return self._tokens().has_credentials

    @property
    def needs_sign_in(self) -> bool:
        """True if nothing can be sent as the user before a sign-in. Without credentials, a guest needs none."""
        tokens, token = self._tokens(), self._pipeline.auth_store.token
        return bool(token or tokens.has_credentials) and tokens.is_unusable(token)

    @property
    def is_over(self) -> bool:
        """True if nothing can be sent before the application signs in."""
        return not self.has_credentials and self.needs_sign_in

    @property
    def retry_at(self) -> float | None:
        """None unless an attempt to connect has shown that the session is over.

        Otherwise the loop's time of the next attempt, which finds out whether another process has signed in; infinity
        if no other process can.
        """
        is_same = self._over_token == self._pipeline.auth_store.token
        return self._reload_at if is_same and self.is_over else None

    def ends_at(self, now: float) -> float:
        """Return the loop's time at which the session ends: 0.0 if it has ended, infinity for never.

        Args:
            now: The loop's time in seconds.
        """
        if self.needs_sign_in:
            return 0.0
        token = self._pipeline.auth_store.token
        return now + max(self._tokens().local_expiry(token) - time.time(), 0.001) if token else math.inf

    def refresh_at(self, token: str) -> float:
        """Return when to submit a token again that is submitted now, so that it is refreshed in time.

        The result is in seconds since the epoch by this machine's clock, because the clock of the event loop may stand
        still while the machine sleeps. It is infinity for a token that cannot be refreshed, or that does not expire.
        """
        tokens = self._tokens()
        return submit_again_at(tokens.refresh_time(token), tokens.local_expiry(token), time.time())

    def note_revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        if token == self._pipeline.auth_store.token:
            self._revoked_token = token

    def report_revocation(self) -> None:
        """Report a revoked token if the client signs in by itself. Otherwise `report_end` does."""
        token, self._revoked_token = self._revoked_token, ""
        if token and self.has_credentials and token != self._reported_token:
            self._reported_token = token
            self._report(self._error("the server no longer accepts the token; the client signs in again"))

    def end_error(self) -> PocketBaseUnauthorizedError:
        """Return the error of a session that has ended."""
        if self.has_credentials:
            return self._error("the token has expired or was revoked; the client signs in again")
        message = "the session is over: the token has expired or was revoked; sign in again"
        return PocketBaseSessionExpiredError(self._pipeline.build_url(realtime.PATH), 401, message=message)

    def report_end(self, now: float) -> None:
        """Note that an attempt to connect has failed because the session is over. Report this once for each token.

        Args:
            now: The loop's time in seconds.
        """
        store = self._pipeline.auth_store
        self._over_token = token = store.token
        self._reload_at = now + RELOAD_INTERVAL if is_shared(store) else math.inf
        if token != self._reported_token:
            self._reported_token = token
            self._report(self.end_error())

    def report_failed_sign_in(self, error: Exception) -> None:
        """Report that the client could not sign in by itself, unless the failure is the same as the last one."""
        failure = type(error), str(error)
        if failure != self._reported_failure:
            self._reported_failure = failure
            self._report(error)

    def note_success(self) -> None:
        """Note that the server has confirmed topics: the next failed sign-in is the first in a row."""
        self._reported_failure = None

    def _report(self, error: Exception) -> None:
        _logger.warning("realtime: %s", log_text(error))
        self._on_error.notify(error, None)

    def _error(self, message: str) -> PocketBaseUnauthorizedError:
        return PocketBaseUnauthorizedError(self._pipeline.build_url(realtime.PATH), 401, message=message)
