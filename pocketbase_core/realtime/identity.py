"""The identity of a connection: the token that the server has for it, and the sign-in that the token belongs to."""

import math
import time
from dataclasses import dataclass, replace
from typing import Self

from ..auth.store import AuthStore, sign_in_of
from ..auth.token import is_valid
from .timing import refresh_delay


@dataclass(frozen=True, slots=True)
class SubmittedIdentity:
    """The token that the server associates with a connection."""

    token: str = ""
    """`""` for a guest."""
    sign_in: str = ""
    """The sign-in that the token belongs to."""
    has_expired: bool = False
    """True if the token has expired by this machine's clock."""
    refresh_at: float = math.inf
    """The loop's time at which to submit the topics again, so that the token is refreshed in time."""

    @classmethod
    def from_store(cls, store: AuthStore) -> Self:
        """Return the identity that a request sent now would carry."""
        token = store.token
        return cls(token, sign_in_of(store), bool(token) and not is_valid(token, time.time()))

    def with_refresh_time(self, store: AuthStore, now: float) -> Self:
        """Return a copy with `refresh_at` set. Call this when the server has confirmed the submission.

        The request may have refreshed the token before it was sent. The server ties a connection to the user and not to
        the token, so a refreshed token of the same sign-in need not be submitted once more.

        Args:
            store: The source of the token.
            now: The loop's time in seconds.
        """
        token = store.token if sign_in_of(store) == self.sign_in else self.token
        delay = refresh_delay(token, time.time())
        return replace(self, token=token, refresh_at=math.inf if delay is None else now + delay)


def has_changed(sign_in: str, store: AuthStore) -> bool:
    """Return whether the user of this sign-in is no longer signed in.

    False for a guest's connection (`""`): the server makes it the user's when the user submits topics on it.
    """
    return bool(sign_in) and sign_in != sign_in_of(store)
