"""The token of a connection, and the sign-in that it belongs to."""

import time
from dataclasses import dataclass, replace
from typing import Self

from ..auth.store import AuthStore, sign_in_of
from ..auth.token import is_valid
from ..errors import PocketBaseError
from .timing import refresh_delay

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class SubmittedIdentity:
    """The token that the server has for a connection, `""` for a guest.

    `sign_in` names the sign-in that the token belongs to, `has_expired` is about this machine's clock, and `refresh_at`
    is the loop's time at which the topics are to be submitted again, so that the token is refreshed.
    """

    token: str = ""
    sign_in: str = ""
    has_expired: bool = False
    refresh_at: float = NEVER

    @classmethod
    def from_store(cls, store: AuthStore) -> Self:
        """Return the value for a request that is sent now."""
        token = store.token
        return cls(token, sign_in_of(store), bool(token) and not is_valid(token, time.time()))

    def with_refresh_time(self, store: AuthStore, now: float) -> Self:
        """Return the value once the server has confirmed the submission. `now` is the loop's time.

        The request may have refreshed the token before it was sent. The server ties a connection to the user and not to
        the token, so a token of the same sign-in need not be submitted once more.
        """
        token = store.token if sign_in_of(store) == self.sign_in else self.token
        wait = refresh_delay(token, time.time())
        return replace(self, token=token, refresh_at=NEVER if wait is None else now + wait)


def has_changed(sign_in: str, store: AuthStore) -> bool:
    """Return whether a connection of this sign-in is another user's by now. A guest may sign in on the connection."""
    return bool(sign_in) and sign_in != sign_in_of(store)


def is_permanent_error(error: Exception) -> bool:
    """Return whether the server refuses what it was told, so that to tell it again would not help."""
    return isinstance(error, PocketBaseError) and 400 <= error.status < 500 and error.status not in (404, 408, 429)
