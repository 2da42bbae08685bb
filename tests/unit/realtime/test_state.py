"""The table of what realtime does next: one case for each row, without a loop and without a clock."""

import math
from dataclasses import replace
from typing import Any

import pytest

from pocketbase_core import PocketBaseConnectionError, PocketBaseError, PocketBaseSessionExpiredError
from pocketbase_core.realtime.attempts import AttemptSchedule
from pocketbase_core.realtime.state import (
    Action,
    ConnectionState,
    CurrentConnection,
    FailedConnect,
    Step,
    Wait,
    after_failed_connect,
    ends_connection,
    is_permanent_error,
    next_action,
)

NOW = 100.0
QUIET = CurrentConnection(
    is_open=True,
    user_has_changed=False,
    session_ends_at=math.inf,
    needs_submission=False,
    refresh_at=math.inf,
    replace_at=340.0,
    presumed_dead_at=410.0,
)
"""A connection that needs nothing now."""


def connected(next_attempt_at: float = 0.0, close_previous_at: float = math.inf, **changes: Any) -> ConnectionState:
    """Return the state with a connection that differs from `QUIET` by these changes."""
    return ConnectionState(replace(QUIET, **changes), next_attempt_at, close_previous_at)


ROWS: list[tuple[str, ConnectionState, Action]] = [
    ("the previous connection is obsolete now", connected(close_previous_at=NOW), Step.CLOSE_PREVIOUS),
    ("the previous connection has ended", connected(close_previous_at=0.0), Step.CLOSE_PREVIOUS),
    ("no connection", ConnectionState(), Step.CONNECT),
    ("no connection, the delay ends now", ConnectionState(next_attempt_at=NOW), Step.CONNECT),
    ("no connection, a delay", ConnectionState(next_attempt_at=100.1), Wait(100.1)),
    ("another user", connected(user_has_changed=True), Step.HANDLE_USER_CHANGE),
    ("the session ends now", connected(session_ends_at=NOW), Step.HANDLE_SESSION_END),
    ("the token was revoked, a delay", connected(105.0, session_ends_at=0.0), Step.HANDLE_SESSION_END),
    ("the session is over", ConnectionState(retry_session_at=math.inf), Wait(math.inf)),
    ("the session is over, another process", ConnectionState(retry_session_at=130.0), Wait(130.0)),
    ("the session is over, another process now", ConnectionState(retry_session_at=NOW), Step.CONNECT),
    (
        "the session is over, a new subscription",
        ConnectionState(None, 105.0, retry_session_at=math.inf, has_pending=True),
        Step.CONNECT,
    ),
    ("the connection has ended", connected(is_open=False), Step.HANDLE_END),
    ("the end is overdue now", connected(presumed_dead_at=NOW), Step.HANDLE_TIMEOUT),
    ("the topics differ", connected(needs_submission=True), Step.RESUBMIT),
    ("the topics differ, the delay ends now", connected(NOW, needs_submission=True), Step.RESUBMIT),
    ("the topics differ, a delay", connected(105.0, needs_submission=True), Wait(105.0)),
    ("the token is to be refreshed now", connected(refresh_at=NOW), Step.RESUBMIT),
    ("the token is to be refreshed, a delay", connected(105.0, refresh_at=NOW), Wait(105.0)),
    ("the connection is to be replaced now", connected(replace_at=NOW), Step.REPLACE),
    ("the connection is to be replaced, a delay", connected(105.0, replace_at=NOW), Wait(105.0)),
    ("nothing before the replacement", connected(), Wait(340.0)),
    ("nothing before the end of the session", connected(session_ends_at=150.0), Wait(150.0)),
    ("nothing before the refresh", connected(refresh_at=150.0), Wait(150.0)),
    ("nothing before the previous one is obsolete", connected(close_previous_at=120.0), Wait(120.0)),
    ("nothing before the connection is dead", connected(500.0), Wait(410.0)),
]


@pytest.mark.parametrize(("state", "action"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_state_has_its_action(state: ConnectionState, action: Action) -> None:
    assert next_action(state, NOW) == action


def test_the_rows_show_every_action() -> None:
    assert {action for _, _, action in ROWS if isinstance(action, Step)} == {*Step}


PRIORITIES: list[tuple[Step, dict[str, Any]]] = [
    (Step.CLOSE_PREVIOUS, {"close_previous_at": 0.0}),
    (Step.HANDLE_USER_CHANGE, {"user_has_changed": True}),
    (Step.HANDLE_SESSION_END, {"session_ends_at": 0.0}),
    (Step.HANDLE_END, {"is_open": False}),
    (Step.HANDLE_TIMEOUT, {"presumed_dead_at": NOW}),
    (Step.RESUBMIT, {"needs_submission": True}),
    (Step.REPLACE, {"replace_at": NOW}),
]
"""The steps of a connection in use, the most urgent first, and what makes each of them due."""


@pytest.mark.parametrize("first", range(len(PRIORITIES)), ids=[step.name for step, _ in PRIORITIES])
def test_of_several_due_actions_the_most_urgent_is_next(first: int) -> None:
    changes: dict[str, Any] = {}
    for _, makes_due in PRIORITIES[first:]:
        changes |= makes_due
    assert next_action(connected(**changes), NOW) == PRIORITIES[first][0]


def test_the_previous_connection_is_closed_before_a_new_one_is_opened() -> None:
    assert next_action(ConnectionState(close_previous_at=NOW), NOW) == Step.CLOSE_PREVIOUS


@pytest.mark.parametrize("state", [connected(500.0, is_open=False), connected(500.0, user_has_changed=True)])
def test_a_delay_does_not_keep_a_useless_connection_open(state: ConnectionState) -> None:
    assert next_action(state, NOW) in (Step.HANDLE_END, Step.HANDLE_USER_CHANGE)


REFUSED = PocketBaseError("http://h", 400)
EXPIRED = PocketBaseSessionExpiredError("http://h", 401)
UNREACHABLE = PocketBaseConnectionError("http://h", message="down")


@pytest.mark.parametrize(
    ("error", "facts", "outcome"),
    [
        (UNREACHABLE, {"user_has_changed", "has_worked"}, FailedConnect.CONNECT_AGAIN),
        (REFUSED, {"user_has_changed"}, FailedConnect.CONNECT_AGAIN),
        (EXPIRED, {"user_has_changed", "has_worked", "session_is_over"}, FailedConnect.CONNECT_AGAIN),
        (UNREACHABLE, set[str](), FailedConnect.REJECT_ALL),
        (REFUSED, set[str](), FailedConnect.REJECT_ALL),
        (EXPIRED, {"session_is_over"}, FailedConnect.REJECT_ALL),
        (EXPIRED, {"has_worked", "session_is_over"}, FailedConnect.AWAIT_SIGN_IN),
        (UNREACHABLE, {"has_worked", "session_is_over"}, FailedConnect.AWAIT_SIGN_IN),
        (EXPIRED, {"has_worked"}, FailedConnect.REJECT_REQUESTED),
        (REFUSED, {"has_worked"}, FailedConnect.REJECT_REQUESTED),
        (UNREACHABLE, {"has_worked"}, FailedConnect.CONNECT_LATER),
        (PocketBaseError("http://h", 404), {"has_worked"}, FailedConnect.CONNECT_LATER),
    ],
)
def test_each_failed_attempt_to_connect_has_its_outcome(
    error: Exception, facts: set[str], outcome: FailedConnect
) -> None:
    names = ("user_has_changed", "has_worked", "session_is_over")
    assert after_failed_connect(error, **{name: name in facts for name in names}) is outcome


STATUSES = (0, 399, 400, 401, 403, 404, 405, 407, 408, 409, 428, 429, 430, 499, 500, 503)


def test_an_error_is_permanent_if_the_same_request_would_be_refused_again() -> None:
    permanent = [status for status in STATUSES if is_permanent_error(PocketBaseError("http://h", status))]
    assert permanent == [400, 401, 403, 405, 407, 409, 428, 430, 499]
    assert not is_permanent_error(ValueError()), "it is not the server's"


def test_a_submission_ends_the_connection_if_the_server_refuses_it_or_does_not_know_the_client_id() -> None:
    ending = [status for status in STATUSES if ends_connection(PocketBaseError("http://h", status))]
    assert ending == [400, 401, 403, 404, 405, 407, 409, 428, 430, 499]
    assert not ends_connection(UNREACHABLE), "the stream may still work"


def test_delays_of_connections_and_of_requests_grow_separately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    attempts = AttemptSchedule()

    def delays() -> tuple[float, float]:
        """Return the delays after a failed connection and a failed request, in seconds."""
        attempts.connection_failed(NOW)
        connection = attempts.next_at - NOW
        attempts.request_failed(NOW)
        return round(connection, 6), round(attempts.next_at - NOW, 6)

    assert delays() == (0.2, 0.2)
    assert delays() == (0.4, 0.4)
    attempts.submitted()
    assert delays() == (0.8, 0.2), "a submission says nothing about the next connection"
    attempts.end_delay()
    assert attempts.next_at == 0.0
    assert delays() == (1.6, 0.4), "the end of a delay is no success"
    attempts.replaced()
    assert delays() == (0.2, 0.2)
    attempts.connection_failed(NOW, seconds_open=4.9)
    assert attempts.next_at == NOW + 0.4
    attempts.connection_failed(NOW, seconds_open=5.0)
    assert attempts.next_at == NOW + 0.2, "it was open for long enough to be a success"
