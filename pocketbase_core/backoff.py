"""Exponential back-off with full jitter: the delay between two attempts.

A wait is a random number between 0 and a limit. The limit doubles with each failure in a row until it reaches a cap.
Clients that failed at the same moment, because a server went down, therefore do not return at the same moment. The AWS
Architecture Blog compares full jitter with other formulas in "Exponential Backoff And Jitter" (2015).
"""


def full_jitter(failures: int, base: float, cap: float, fraction: float) -> float:
    """Return the seconds to wait before the next attempt.

    Args:
        failures: The number of failures in a row before the last one: 0 after the first failure.
        base: The longest wait after the first failure, in seconds.
        cap: The longest wait after any number of failures, in seconds.
        fraction: A random number from 0 to 1, which the longest wait is multiplied by.
    """
    # A larger exponent is an OverflowError, and one of 1000 has reached any cap.
    return fraction * min(cap, base * 2.0 ** min(failures, 1000))
