"""The identity of a connection: the token that the server has for it, and the sign-in that the token belongs to."""

import math
from dataclasses import dataclass
from typing import Self

from ..auth.store import AuthStore, sign_in_of


@dataclass(frozen=True, slots=True)
class SubmittedIdentity:
    """The token that the server associates with a connection."""

    token: str = ""
    """`""` for a guest."""
    sign_in: str = ""
    """The sign-in that the token belongs to."""
    refresh_at: float = math.inf
    """When to submit the topics again so that the token is refreshed in time, in seconds since the epoch."""

    @classmethod
    def from_store(cls, store: AuthStore) -> Self:
        """Return the identity that a request sent now would carry."""
        return cls(store.token, sign_in_of(store))


def has_changed(sign_in: str, store: AuthStore) -> bool:
    """Return whether the user of this sign-in is no longer signed in.

    False for a guest's connection (`""`): the server makes it the user's when the user submits topics on it.
    """
    return bool(sign_in) and sign_in != sign_in_of(store)
