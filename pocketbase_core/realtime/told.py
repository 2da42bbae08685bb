"""What the server was told of the user, and whether it accepts it."""

import time
from dataclasses import dataclass
from typing import Self

from ..auth.store import AuthStore
from ..auth.token import is_valid, user_of
from ..errors import PocketBaseError
from .schedule import renewal_wait

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Told:
    """A token, whose it is (None is a guest), and when to tell it again, so that it is renewed in time."""

    token: str = ""
    user: tuple[object, object] | None = None
    renew_at: float = NEVER

    @classmethod
    def by(cls, store: AuthStore) -> Self:
        """What a request that is sent now tells."""
        token = store.token
        return cls(token, user_of(token) if is_valid(token, time.time()) else None)

    def until_renewal(self, store: AuthStore, now: float) -> Self:
        """The same, once it was told, on a loop whose time is `now`."""
        wait = renewal_wait(store.token, time.time())
        return type(self)(self.token, self.user, NEVER if wait is None else now + wait)


def is_refusal(error: Exception) -> bool:
    """Whether the server does not want what it was told, so that telling it again would not help."""
    return isinstance(error, PocketBaseError) and 400 <= error.status < 500 and error.status not in (404, 408, 429)
