"""The server's time, which the expiry of a token is compared with."""

import re
import time
from datetime import UTC, datetime

from ..messages import Response

_DATE = re.compile(r"\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)  # RFC 9110, 5.6.7
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ServerClock:
    """This machine's clock, corrected where a response proves that it differs from the server's.

    The `Date` header of a response has whole seconds, and the response has taken a while. So a correction is the least
    one that explains the header; a clock that may be right is not corrected.
    """

    def __init__(self) -> None:
        self.correction = 0.0
        """The seconds by which the server's clock is ahead of this machine's."""

    def now(self) -> float:
        """Return the server's time in seconds since the epoch."""
        return time.time() + self.correction

    def observe(self, response: Response, sent_at: float) -> None:
        """Compare the clocks.

        Args:
            response: A response. One from a cache, which has an `Age` header, says nothing.
            sent_at: The seconds since the epoch, by this machine's clock, at which its request was sent.
        """
        date = _parse_date(response.headers.get("Date", ""))
        if date is None or "Age" in response.headers:
            return
        received_at = time.time()
        # The server wrote the header after `sent_at`, before `received_at`, and less than a second after `date`.
        self.correction = max(date - received_at, 0.0) or min(date + 1 - sent_at, 0.0)


def _parse_date(value: str) -> float | None:
    """Return the seconds since the epoch; None if the value is no date."""
    match = _DATE.fullmatch(value)
    if match is None or match[2] not in _MONTHS:
        return None
    month = _MONTHS.index(match[2]) + 1
    day, year, hour, minute, second = (int(match[number]) for number in (1, 3, 4, 5, 6))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
