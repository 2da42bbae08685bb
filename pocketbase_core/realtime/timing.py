"""Decisions about time, without a clock."""

from dataclasses import dataclass

from ..auth.token import refreshable_until
from ..backoff import full_jitter

CONNECT_TIMEOUT = 15.0
"""Seconds from the response on within which the first event has to come."""
REQUEST_TIMEOUT = 60.0
"""Limit in seconds for a request, also if the client's timeout is longer or None, as no event may come meanwhile."""
CLOSE_GRACE_PERIOD = 10.0
"""Seconds after the server's limit within which the end of the stream arrives if the connection is alive."""
BACKOFF_BASE = 0.2
BACKOFF_MAX = 30.0
STABLE_AFTER = 5.0
"""Seconds that a connection has to live to count as a success. A message alone proves nothing."""
VERIFY_EVERY = 300.0
"""Seconds after which a token that the server has accepted is checked again."""
REFRESH_MARGIN = 55.0
"""Seconds before a token's end: inside the minute in which the next request refreshes the token."""


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """The server's limits, in seconds, and how many events may wait for one subscription.

    The server ends a connection after `idle_limit` without a message, and after `lifetime` in any case; before that,
    another one takes its place. Set them as the server has them.
    """

    idle_limit: float = 300.0
    lifetime: float = 1800.0
    queue_size: int = 1000

    def __post_init__(self) -> None:
        if not (self.idle_limit > 0 and self.lifetime > 0 and self.queue_size > 0):
            raise ValueError(f"limits must be above 0, not {self}")

    def replace_at(self, opened: float, heard: float) -> float:
        """Return when to replace a connection that was opened and last heard at these times."""
        return min(opened + 0.9 * self.lifetime, heard + 0.8 * self.idle_limit)

    def presumed_dead_at(self, opened: float, heard: float) -> float:
        """Return from when on the server's end of the stream is overdue, so that the connection must be dead."""
        return min(opened + self.lifetime, heard + self.idle_limit) + CLOSE_GRACE_PERIOD


def request_timeout(timeout: float | None) -> float:
    """Return the seconds for one request of a client with this timeout."""
    return REQUEST_TIMEOUT if timeout is None else min(timeout, REQUEST_TIMEOUT)


def reconnect_delay(failures: int, jitter: float, longest: float = BACKOFF_MAX) -> float:
    """Return the seconds to wait after so many failures in a row; `jitter` is random, from 0 to 1."""
    return full_jitter(failures, BACKOFF_BASE, longest, jitter)


def refresh_delay(token: str, now: float) -> float | None:
    """Return in how many seconds to submit the topics again, so that the token is refreshed in time; None for never."""
    expires = refreshable_until(token)
    if expires is None or expires <= now:
        return None
    left = expires - now
    return left - REFRESH_MARGIN if left > 2 * REFRESH_MARGIN else left * 0.55
