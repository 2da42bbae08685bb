"""Decisions about the next step of the connection manager, made without a clock and without I/O.

Theory of operation
===================

The manager works in steps. Before each step it describes what it knows as a `ConnectionState`, and `next_action`
returns the one `Action` to perform. `next_action` is a table that is read from top to bottom: the first row whose
condition holds is the action. If no row holds, the manager sleeps until the earliest moment at which one may, or until
something changes: a subscription, the auth store, the end of a connection. Each step starts from the present state and
not from what happened before, so the order in which changes happen does not matter.

A state is one of three: no connection, one connection in use, or one in use and the previous one. The previous one is
kept for some seconds after its replacement, because it may still bring events that the new one does not (see
`deduplication.py`). A connection in use may have ended without the manager having acted on it yet.

A session ends when its token expires or is revoked. The connection is closed then, and the next attempt to connect
shows whether the session is over: that is, whether nobody has signed in since, and the client cannot. If it is over, no
further attempt is made until the auth store changes. Two attempts are made in spite of that: one for each new
subscription, whose caller has to get the error, and a regular one if another process may change the auth store. None of
them sends a request while the session is over.

What follows a failure is decided here too. `after_failed_connect` says who gets the error of an attempt to connect,
and when to try again; `ends_connection` says whether the error of a submission concerns the connection.

Moments are the event loop's time in seconds: `math.inf` is never, and 0.0 is at once.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from ..errors import is_rejection
from ..input_errors import PocketBaseInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentConnection:
    """The connection in use."""

    is_open: bool
    user_has_changed: bool
    """True if the server sends the events of a user who is no longer signed in."""
    session_ends_at: float
    """When the token of the user expires: 0.0 if it has expired, or is known to be revoked."""
    needs_submission: bool
    """True if the server does not know the present topics or the present token."""
    refresh_at: float
    """When to submit the topics again so that the token is refreshed in time."""
    replace_at: float
    """When to open the next connection, before the server ends this one."""
    presumed_dead_at: float
    """From when on the server should have ended the connection, so that a silent one must be dead."""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The knowledge of the manager before a step."""

    connection: CurrentConnection | None = None
    next_attempt_at: float = 0.0
    """The end of the delay after a failed attempt to connect, submit or replace."""
    close_previous_at: float = math.inf
    """When to close the previous connection: never if there is none, at once if it has ended."""
    retry_session_at: float | None = None
    """None unless an attempt to connect has shown that the session is over. Otherwise the time of the next attempt."""
    has_pending: bool = False
    """True if the caller of a subscription waits for its confirmation."""


class Step(Enum):
    """An action of the manager that is due."""

    CLOSE_PREVIOUS = auto()
    """Close the previous connection."""
    CONNECT = auto()
    """Open a connection and submit all topics on it."""
    HANDLE_USER_CHANGE = auto()
    """Close the connection of a user who is no longer signed in, and connect again without a delay."""
    HANDLE_SESSION_END = auto()
    """Close a connection whose token the server no longer accepts, or will not accept again, and connect again."""
    HANDLE_END = auto()
    """Close a connection that has ended, and connect again after a delay."""
    HANDLE_TIMEOUT = auto()
    """Close a connection that must be dead, because the server should have ended it; connect again after a delay."""
    RESUBMIT = auto()
    """Submit all topics on the connection in use."""
    REPLACE = auto()
    """Open the next connection and submit the confirmed topics on it, while the present one stays open."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep until this moment, or until something changes."""

    until: float


Action = Step | Wait


def next_action(state: ConnectionState, now: float) -> Action:
    """Return the most urgent action at the loop's time `now`."""
    connection = state.connection
    if now >= state.close_previous_at:
        return Step.CLOSE_PREVIOUS  # first: if this shows a loss, the topics have to be submitted again
    if connection is None and state.retry_session_at is not None:
        return Step.CONNECT if state.has_pending or now >= state.retry_session_at else Wait(state.retry_session_at)
    if connection is None:
        return Step.CONNECT if now >= state.next_attempt_at else Wait(state.next_attempt_at)
    if connection.user_has_changed:
        return Step.HANDLE_USER_CHANGE
    if now >= connection.session_ends_at:
        return Step.HANDLE_SESSION_END
    if not connection.is_open:
        return Step.HANDLE_END
    if now >= connection.presumed_dead_at:
        return Step.HANDLE_TIMEOUT
    submit_at = max(0.0 if connection.needs_submission else connection.refresh_at, state.next_attempt_at)
    if now >= submit_at:
        return Step.RESUBMIT
    replace_at = max(connection.replace_at, state.next_attempt_at)
    if now >= replace_at:
        return Step.REPLACE
    ends_at = min(connection.session_ends_at, connection.presumed_dead_at)
    return Wait(min(state.close_previous_at, ends_at, submit_at, replace_at))


class FailedConnect(Enum):
    """The consequence of a failed attempt to connect."""

    CONNECT_AGAIN = auto()
    """Connect again at once: the user has changed, so the failure says nothing about the present user."""
    REJECT_ALL = auto()
    """End all subscriptions with the error: nothing has worked so far, so the callers have to know."""
    REJECT_REQUESTED = auto()
    """End the subscriptions that the attempt was to confirm with the error, and connect again after a delay."""
    AWAIT_SIGN_IN = auto()
    """End the subscriptions that the attempt was to confirm with the error. The session is over: report this once."""
    CONNECT_LATER = auto()
    """Keep all subscriptions, and connect again after a delay."""


def after_failed_connect(
    error: Exception, *, user_has_changed: bool, has_worked: bool, session_is_over: bool
) -> FailedConnect:
    """Return what follows an attempt to connect that has failed with this error.

    Args:
        error: The error of the request, of the stream, or of the submission.
        user_has_changed: True if the user for whom the topics were submitted is no longer signed in.
        has_worked: True if the server has confirmed a topic before.
        session_is_over: True if nothing can be sent before the application signs in.
    """
    if user_has_changed:
        return FailedConnect.CONNECT_AGAIN
    if not has_worked:
        return FailedConnect.REJECT_ALL
    if session_is_over:
        return FailedConnect.AWAIT_SIGN_IN
    if is_permanent_error(error):
        return FailedConnect.REJECT_REQUESTED
    return FailedConnect.CONNECT_LATER


def ends_connection(error: Exception) -> bool:
    """Return whether the error of a submission concerns the connection, so that a new one is needed.

    PocketBase responds with 404 if it no longer knows the client id, and with 403 if another user submits topics on
    a connection. A topic that the server refuses on its own is no error here: `Submitter` ends its subscriptions.
    """
    return is_rejection(error)


def is_permanent_error(error: Exception) -> bool:
    """Return whether repeating the request cannot help.

    The status is a 4xx other than 404, 408 and 429; or the request cannot be sent to this server.
    """
    return isinstance(error, PocketBaseInputError) or (is_rejection(error) and getattr(error, "status", 0) != 404)
