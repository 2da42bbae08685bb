"""The formula for waits between attempts."""

import random

from pocketbase_core.backoff import full_jitter


def test_the_longest_wait_doubles_with_each_failure_up_to_the_cap() -> None:
    waits = [full_jitter(failures, 0.5, 10.0, 1.0) for failures in range(7)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_wait_is_the_given_fraction_of_the_longest_wait() -> None:
    assert [full_jitter(2, 0.5, 10.0, fraction) for fraction in (0.0, 0.25, 1.0)] == [0.0, 0.5, 2.0]
    source = random.Random(1)
    assert all(0 <= full_jitter(failures, 0.2, 5.0, source.random()) <= 5 for failures in range(50))


def test_any_number_of_failures_reaches_the_cap_and_overflows_nowhere() -> None:
    assert full_jitter(10**6, 0.2, 30.0, 1.0) == 30.0
    assert full_jitter(10**6, 1e9, 30.0, 1.0) == 30.0, "base times the power is infinite, which is above the cap"
    assert full_jitter(10**6, 0.0, 30.0, 1.0) == 0.0
