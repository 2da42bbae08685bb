"""The server's time, which the expiry of a token is compared with."""

import time

from ..messages import Response
from ..messages.http_date import parse_http_date


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
        date = parse_http_date(response.headers.get("Date", ""))
        if date is None or "Age" in response.headers:
            return
        received_at = time.time()
        # The server wrote the header after `sent_at`, before `received_at`, and less than a second after `date`.
        self.correction = max(date - received_at, 0.0) or min(date + 1 - sent_at, 0.0)
