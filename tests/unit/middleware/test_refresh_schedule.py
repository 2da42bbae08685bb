"""When a token is to be refreshed, and what earlier refreshes change about that."""

import pytest

from pocketbase_core.middleware.refresh_schedule import RefreshSchedule

NOW = 1000.0


@pytest.mark.parametrize(
    ("expires", "is_due"),
    [(None, False), (NOW - 1, False), (NOW, False), (NOW + 0.1, True), (NOW + 60, True), (NOW + 60.1, False)],
)
def test_a_token_is_due_in_its_last_60_seconds_and_not_after_its_expiry(expires: float | None, is_due: bool) -> None:
    assert RefreshSchedule().is_due("t", expires, NOW, 0.0) is is_due


def test_a_token_that_lives_for_less_than_two_minutes_is_due_after_half_of_its_lifetime() -> None:
    schedule = RefreshSchedule()
    schedule.succeeded("t", 20.0)
    assert not schedule.is_due("t", NOW + 10.1, NOW, 0.0)
    assert schedule.is_due("t", NOW + 10.0, NOW, 0.0)
    schedule.succeeded("t", 3600.0)
    assert schedule.is_due("t", NOW + 60.0, NOW, 0.0), "a longer life does not make the margin larger than 60 seconds"
    assert not schedule.is_due("t", NOW + 60.1, NOW, 0.0)


def test_a_refused_token_is_never_due_again_and_another_token_is() -> None:
    schedule = RefreshSchedule()
    schedule.refused("t")
    assert not schedule.is_due("t", NOW + 0.1, NOW, 1e9)
    assert schedule.is_due("other", NOW + 30, NOW, 0.0)


def test_a_token_whose_refresh_failed_is_due_again_after_five_seconds_of_the_loops_time() -> None:
    schedule = RefreshSchedule()
    schedule.failed("t", 100.0)
    assert not schedule.is_due("t", NOW + 30, NOW, 104.9)
    assert schedule.is_due("t", NOW + 30, NOW, 105.0)
    assert schedule.is_due("other", NOW + 30, NOW, 100.0), "the pause is for one token"
