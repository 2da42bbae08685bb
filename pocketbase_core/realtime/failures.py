"""The consequences of a failed attempt to connect: who gets the error, and when the next attempt may begin."""

import asyncio
from collections.abc import Callable, Sequence

from . import state
from .attempts import AttemptSchedule
from .registry import SubscriptionRegistry
from .submission import Submitter
from .subscription import Subscription
from .user_session import UserSession


class FailureHandler:
    """Performs what `after_failed_connect` decides.

    Args:
        registry: The subscriptions.
        remove: Removes subscriptions, and ends them with an error.
        submitter: Knows whether the server has confirmed topics before.
        session: The session of the signed-in user.
        attempts: Delays the next attempt.
    """

    def __init__(
        self,
        registry: SubscriptionRegistry[Subscription],
        remove: Callable[[Sequence[Subscription], Exception], None],
        submitter: Submitter,
        session: UserSession,
        attempts: AttemptSchedule,
    ) -> None:
        self._registry = registry
        self._remove = remove
        self._submitter = submitter
        self._session = session
        self._attempts = attempts

    def handle(self, error: Exception, requested: Sequence[Subscription], *, user_has_changed: bool) -> None:
        """Handle a failed attempt to connect.

        Args:
            error: The error of the attempt.
            requested: The subscriptions that the attempt was to confirm.
            user_has_changed: True if the user who was signed in when the attempt began no longer is.
        """
        now, session = asyncio.get_running_loop().time(), self._session
        has_worked = self._submitter.has_succeeded or bool(self._registry.confirmed)
        outcome = state.after_failed_connect(
            error, user_has_changed=user_has_changed, has_worked=has_worked, session_is_over=session.is_over
        )
        if outcome is state.FailedConnect.CONNECT_AGAIN:
            return
        if outcome is state.FailedConnect.REJECT_ALL:
            self._remove(self._registry.all, error)
        elif outcome in (state.FailedConnect.REJECT_REQUESTED, state.FailedConnect.AWAIT_SIGN_IN):
            self._remove(requested, error)
        if outcome is state.FailedConnect.AWAIT_SIGN_IN:
            session.report_end(now)
            return
        if session.needs_sign_in and self._registry:
            session.report_failed_sign_in(error)
        self._attempts.connection_failed(now)
