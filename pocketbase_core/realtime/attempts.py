"""The delays between attempts."""

from .backoff import Backoff
from .timing import STABLE_AFTER


class AttemptSchedule:
    """When the next attempt to connect, to submit or to replace may begin.

    Connections and requests fail for different reasons, so each has its own backoff. All times are the loop's.
    """

    def __init__(self) -> None:
        self.next_at = 0.0
        """The end of the present delay; 0.0 if there is none."""
        self._connection_backoff = Backoff()
        self._request_backoff = Backoff()
        """For submissions and replacements that fail while a connection is in use."""

    def end_delay(self) -> None:
        """Allow the next attempt at once. The number of failures in a row stays as it is."""
        self.next_at = 0.0

    def connection_failed(self, now: float, seconds_open: float = 0.0) -> None:
        """Delay the next attempt after a failed connection. One that was open for `STABLE_AFTER` was a success."""
        if seconds_open >= STABLE_AFTER:
            self._connection_backoff.reset()
        self.next_at = now + self._connection_backoff.wait()

    def request_failed(self, now: float) -> None:
        """Delay the next attempt after a failed submission or replacement."""
        self.next_at = now + self._request_backoff.wait()

    def submitted(self) -> None:
        """Note a successful submission on the connection in use."""
        self._request_backoff.reset()

    def replaced(self) -> None:
        """Note a successful replacement of the connection in use."""
        self._request_backoff.reset()
        self._connection_backoff.reset()
