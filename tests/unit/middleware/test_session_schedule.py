"""The table of steps: what a session needs before a call, and what the results of earlier steps change about that."""

import math

import pytest

from pocketbase_core.middleware.session_schedule import KNOWN_TOKENS, SessionSchedule, Step, TokenFacts

NOW = 1000.0
NOBODY = TokenFacts("", math.inf, False, False)


def token(expires: float = 3600.0, *, is_refreshable: bool = True, text: str = "t") -> TokenFacts:
    return TokenFacts(text, NOW + expires, is_refreshable, True)


def step_of(schedule: SessionSchedule, facts: TokenFacts, loop_time: float = 0.0, *, may_reload: bool = False) -> Step:
    return schedule.next_step(facts, NOW, loop_time, called_at=loop_time, may_reload=may_reload)


@pytest.mark.parametrize(
    ("facts", "has_credentials", "may_reload", "step"),
    [
        (NOBODY, False, False, Step.SEND),
        (NOBODY, False, True, Step.RELOAD),
        (NOBODY, True, True, Step.SIGN_IN),
        (token(-1), False, False, Step.RAISE_EXPIRED),
        (token(0), False, False, Step.RAISE_EXPIRED),
        (token(-1), False, True, Step.RELOAD),
        (token(-1), True, True, Step.SIGN_IN),
        (token(0.1), False, False, Step.REFRESH),
        (token(60), True, False, Step.REFRESH),
        (token(60.1), False, False, Step.SEND),
        (token(30, is_refreshable=False), False, False, Step.SEND),
        (token(-1, is_refreshable=False), False, False, Step.RAISE_EXPIRED),
        (token(math.inf), False, False, Step.SEND),
    ],
)
def test_each_row_of_the_table(facts: TokenFacts, has_credentials: bool, may_reload: bool, step: Step) -> None:
    schedule = SessionSchedule(has_credentials=has_credentials)
    assert step_of(schedule, facts, may_reload=may_reload) is step


@pytest.mark.parametrize(("has_credentials", "step"), [(False, Step.RAISE_EXPIRED), (True, Step.SIGN_IN)])
def test_a_revoked_token_is_never_sent_and_another_one_is(has_credentials: bool, step: Step) -> None:
    schedule = SessionSchedule(has_credentials=has_credentials)
    schedule.revoked("t")
    assert step_of(schedule, token()) is step
    assert schedule.is_revoked("t")
    assert step_of(schedule, token(text="other")) is Step.SEND


@pytest.mark.parametrize(
    ("lifetime", "margin"), [(20.0, 10.0), (120.0, 60.0), (600.0, 60.0), (1_209_600.0, 120_960.0), (math.inf, 60.0)]
)
def test_the_margin_is_a_minute_or_a_tenth_of_the_lifetime_but_at_most_its_half(lifetime: float, margin: float) -> None:
    schedule = SessionSchedule()
    schedule.received("t", lifetime)
    assert step_of(schedule, token(margin + 0.1)) is Step.SEND
    assert step_of(schedule, token(margin)) is Step.REFRESH
    schedule = SessionSchedule()
    schedule.first_used(token(), None if lifetime == math.inf else lifetime, 0.0)
    assert step_of(schedule, token(margin + 0.1)) is Step.SEND
    assert step_of(schedule, token(margin)) is Step.REFRESH


def test_a_token_whose_refresh_was_refused_is_not_refreshed_again_and_another_one_is() -> None:
    schedule = SessionSchedule()
    schedule.refresh_refused("t")
    assert step_of(schedule, token(0.1), 1e9) is Step.SEND
    assert step_of(schedule, token(30, text="other")) is Step.REFRESH


def test_a_token_whose_refresh_failed_is_refreshed_after_five_seconds_of_the_loops_time() -> None:
    schedule = SessionSchedule()
    schedule.failed("t", 100.0)
    assert step_of(schedule, token(30), 104.9) is Step.SEND
    assert step_of(schedule, token(30), 105.0) is Step.REFRESH
    assert step_of(schedule, token(30, text="other"), 100.0) is Step.REFRESH, "the pause is for one token"


def test_a_token_that_the_server_accepts_although_it_has_expired_by_the_clock_counts_as_valid() -> None:
    schedule = SessionSchedule(has_credentials=True)
    schedule.issued("t", -3600.0, 0.0)
    assert step_of(schedule, token(-3600)) is Step.SIGN_IN
    schedule.trusted("t")
    assert schedule.expiry(token(-3600)) == math.inf
    assert step_of(schedule, token(-3600)) is Step.SEND
    assert step_of(schedule, token(-3600, text="other")) is Step.SIGN_IN


def test_a_token_is_checked_before_its_first_call_with_credentials_and_after_verify_every_without() -> None:
    with_credentials = SessionSchedule(has_credentials=True, verify_every=300.0)
    assert step_of(with_credentials, token()) is Step.CHECK
    without = SessionSchedule(verify_every=300.0)
    without.first_used(token(), None, 50.0)
    assert step_of(without, token(), 350.0) is Step.SEND
    assert step_of(without, token(), 350.1) is Step.CHECK
    without.first_used(token(), None, 350.0)
    assert step_of(without, token(), 350.1) is Step.CHECK, "a later use proves nothing"


@pytest.mark.parametrize("has_credentials", [False, True])
def test_a_token_that_pocketbase_has_not_issued_is_not_checked(has_credentials: bool) -> None:
    schedule = SessionSchedule(has_credentials=has_credentials, verify_every=0.0)
    schedule.first_used(key := TokenFacts("key", math.inf, False, False), None, 0.0)
    assert step_of(schedule, key, 1e9) is Step.SEND
    assert not schedule.needs_proof("key", is_read=True, status=401, received_at=1e9)


def test_a_check_that_began_after_the_call_is_recent_enough_whatever_the_interval() -> None:
    schedule = SessionSchedule(has_credentials=True, verify_every=0.0)
    schedule.accepted("t", 10.0)
    assert schedule.next_step(token(), NOW, 11.0, called_at=10.1) is Step.CHECK
    schedule.accepted("t", 10.2)
    assert schedule.next_step(token(), NOW, 11.0, called_at=10.1) is Step.SEND
    schedule.accepted("t", 5.0)
    assert schedule.is_accepted_since("t", 10.2), "an older check does not take the place of a newer one"
    assert not schedule.is_accepted_since("t", 10.3)


def test_former_tokens_count_as_accepted_for_the_calls_that_are_in_progress() -> None:
    schedule = SessionSchedule(has_credentials=True, verify_every=300.0)
    for number in range(KNOWN_TOKENS + 1):
        schedule.issued(str(number), 3600.0, 0.0)
    assert step_of(schedule, token(text="1")) is Step.SEND
    assert step_of(schedule, token(text="0")) is Step.CHECK, "only so many are remembered"


@pytest.mark.parametrize(
    ("verify_every", "has_credentials", "is_read", "status", "age", "needs_proof"),
    [
        (300.0, True, True, 200, 300.0, False),
        (300.0, True, True, 200, 300.1, True),
        (300.0, False, True, 200, 300.1, True),
        (0.0, True, True, 200, 0.1, True),
        (None, True, True, 200, 1e9, False),
        (None, True, False, 401, 1e9, False),
        (300.0, True, False, 200, 1e9, False),
        (300.0, True, False, 401, 5.0, False),
        (300.0, True, False, 401, 5.1, True),
        (300.0, True, True, 403, 5.1, True),
        (1.0, True, True, 403, 1.1, True),
        (300.0, True, True, 404, 5.1, False),
        (300.0, False, False, 401, 5.1, False),
    ],
)
def test_a_response_needs_proof_if_the_server_may_have_handled_its_request_as_a_guests(
    verify_every: float | None, has_credentials: bool, is_read: bool, status: int, age: float, needs_proof: bool
) -> None:
    schedule = SessionSchedule(has_credentials=has_credentials, verify_every=verify_every)
    schedule.accepted("t", 100.0)
    assert schedule.needs_proof("t", is_read=is_read, status=status, received_at=100.0 + age) is needs_proof


def test_the_pause_after_a_failed_sign_in_grows_to_a_minute_and_ends_with_a_success() -> None:
    schedule, ends = SessionSchedule(has_credentials=True), list[float]()
    for _ in range(6):
        schedule.sign_in_failed(0.0, 1.0)
        ends.append(next(t for t in range(100) if step_of(schedule, NOBODY, t) is Step.SIGN_IN))
        assert step_of(schedule, NOBODY, ends[-1] - 0.1) is Step.RAISE_SIGN_IN_ERROR
    assert ends == [10, 20, 40, 60, 60, 60]
    schedule.issued("t", 3600.0, 0.0)
    assert step_of(schedule, NOBODY) is Step.SIGN_IN
    schedule.sign_in_failed(0.0, 1.0)
    assert step_of(schedule, NOBODY, 10.0) is Step.SIGN_IN, "the failures before the success do not count"
