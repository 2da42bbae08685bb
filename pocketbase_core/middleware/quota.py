"""A limit for the retries of a client: a token bucket.

The numbers are those of botocore's standard retry mode: `RetryQuota` in `botocore/retries/quota.py` and
`RetryQuotaChecker` in `botocore/retries/standard.py` (github.com/boto/botocore).
"""

import threading

from ..errors import PocketBaseTimeoutError, PocketBaseTransportError
from ..messages import Response

CAPACITY = 500
RETRY_COST = 5
TIMEOUT_COST = 10
"""The cost of a retry after a timeout, which held a connection for longer than other failures do."""
INCREMENT = 1
"""The tokens that a call returns if its first attempt succeeded."""


class RetryQuota:
    """A token bucket that every retry is paid from. Several threads may use it.

    Args:
        capacity: The number of tokens, all of which are there at the beginning.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.spent = 0
        """The number of tokens that are missing. It is nearly always 0, and then a success has nothing to return."""
        self._lock = threading.Lock()

    def acquire(self, outcome: Response | PocketBaseTransportError) -> int:
        """Take the tokens for a retry after this outcome. Return how many; 0 if the bucket holds too few."""
        cost = TIMEOUT_COST if isinstance(outcome, PocketBaseTimeoutError) else RETRY_COST
        with self._lock:
            if self.spent + cost > self.capacity:
                return 0
            self.spent += cost
        return cost

    def release(self, amount: int) -> None:
        """Return tokens to the bucket, up to its capacity."""
        with self._lock:
            self.spent = max(0, self.spent - amount)
