"""Durations, and decisions about time without a clock."""

import math
from dataclasses import dataclass

from ..backoff import full_jitter

CONNECT_TIMEOUT = 15.0
"""Seconds to wait for the first event (`PB_CONNECT`) of a new connection, from the response on."""
REQUEST_TIMEOUT = 60.0
"""The longest timeout of a request in seconds, even if the client's timeout is longer or None.

Events may be lost while a request hangs.
"""
CLOSE_GRACE_PERIOD = 10.0
"""Seconds to wait for the end of the stream after the server's limit, before the connection is presumed dead."""
BACKOFF_BASE = 0.2
"""The longest delay in seconds after the first failure. It doubles with each further failure in a row."""
BACKOFF_MAX = 30.0
"""The longest delay in seconds, after however many failures."""
STABLE_AFTER = 5.0
"""Seconds that a connection has to last to count as a success. One event alone proves nothing."""
MAX_CHECK_DELAY = 300.0
"""The longest delay in seconds after a check of the token that the server did not decide."""
MIN_CHECK_INTERVAL = 1.0
"""The shortest time in seconds between two regular checks of the token, however often the client wants them."""
RELOAD_INTERVAL = 30.0
"""Seconds after which to look again, once the session is over, whether another process has signed in."""
MAX_SLEEP = 60.0
"""The longest sleep in seconds. The loop's clock may stand still while the machine sleeps, and tokens still expire."""


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """The server's limits for a connection, and the size of the queues.

    Set the limits as the server has them. A connection is replaced before the server ends it.

    Raises:
        ValueError: If a value is not above 0.
    """

    idle_limit: float = 300.0
    """Seconds without an event after which the server ends a connection."""
    lifetime: float = 1800.0
    """Seconds after which the server ends a connection in any case (PocketBase 0.38.2 and later)."""
    queue_size: int = 1000
    """How many messages may wait in the queue of one subscription; what does not fit becomes a `Gap`."""

    def __post_init__(self) -> None:
        if not (self.idle_limit > 0 and self.lifetime > 0 and self.queue_size > 0):
            raise ValueError(f"limits must be above 0, not {self}")

    def replace_at(self, opened_at: float, last_event_at: float) -> float:
        """Return when to replace a connection that was opened, and brought its last event, at these times."""
        return min(opened_at + 0.9 * self.lifetime, last_event_at + 0.8 * self.idle_limit)

    def presumed_dead_at(self, opened_at: float, last_event_at: float) -> float:
        """Return from when on the server's end of the stream is overdue, so that the connection must be dead."""
        return min(opened_at + self.lifetime, last_event_at + self.idle_limit) + CLOSE_GRACE_PERIOD


def request_timeout(timeout: float | None) -> float:
    """Return the timeout in seconds for one request of a client with this timeout; None is no limit."""
    return REQUEST_TIMEOUT if timeout is None else min(timeout, REQUEST_TIMEOUT)


def reconnect_delay(failures: int, jitter: float, longest: float = BACKOFF_MAX) -> float:
    """Return the seconds to wait after so many failures in a row; `jitter` is random, from 0 to 1."""
    return full_jitter(failures, BACKOFF_BASE, longest, jitter)


def submit_again_at(refresh_time: float, expires: float, now: float) -> float:
    """Return when to submit the topics again, so that the request refreshes the token. All times are of one clock.

    Args:
        refresh_time: From when on requests refresh the token; infinity for a token that cannot be refreshed.
        expires: When the token expires.
        now: The time of the submission. If it has not refreshed a token that is due, there is time for another one.
    """
    if refresh_time == math.inf:
        return math.inf
    return refresh_time + (expires - refresh_time) * 0.1 if refresh_time > now else now + (expires - now) * 0.55
