"""A limit for the retries of a client."""

import threading

from ..errors import PocketBaseTimeoutError, PocketBaseTransportError
from ..messages import Response

CAPACITY = 500
RETRY_COST = 5
TIMEOUT_COST = 10
"""The cost of a retry after a timeout, which held a connection for longer than other failures do."""
INCREMENT = 1
"""The tokens that a call gives back if its first attempt succeeded."""


class RetryQuota:
    """A token bucket, from which each retry is paid. It may be used by several threads.

    The numbers are those of botocore's standard retry mode: `RetryQuota` in `botocore/retries/quota.py` and
    `RetryQuotaChecker` in `botocore/retries/standard.py` (github.com/boto/botocore).
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.spent = 0
        """The tokens that are missing: nearly always none, so that a success has nothing to give back."""
        self._lock = threading.Lock()

    def acquire(self, outcome: Response | PocketBaseTransportError) -> int:
        """Take the tokens for a retry after this outcome, and return how many; 0 where too few are left."""
        cost = TIMEOUT_COST if isinstance(outcome, PocketBaseTimeoutError) else RETRY_COST
        with self._lock:
            if self.spent + cost > self.capacity:
                return 0
            self.spent += cost
        return cost

    def release(self, amount: int) -> None:
        """Give tokens back."""
        with self._lock:
            self.spent = max(0, self.spent - amount)
