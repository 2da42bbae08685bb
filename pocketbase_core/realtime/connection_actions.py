"""The actions of the connection manager's task: one method for each action that `next_action` decides on.

A connection is in use from the moment at which the server has confirmed the topics on it until its loss is handled.
Meanwhile the previous one may still be open (see `handover.py`), or a new one may be open already. The loss of a
connection is recorded with the time up to which the connection had brought everything. It becomes a gap that is
delivered once the topics are confirmed on the next connection.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from ..auth.store import sign_in_of
from ..concurrency.event_loops import OwnerLoop
from ..endpoints import realtime
from ..errors import PocketBaseConnectionError, PocketBaseTimeoutError, log_text
from ..messages import ServerSentEvent
from . import state
from .attempts import AttemptSchedule
from .client_parts import ClientParts
from .connection import Connection, OpenConnections
from .delivery import Delivery
from .failures import FailureHandler
from .handover import Handover
from .identity import has_changed
from .registry import SubscriptionRegistry
from .submission import Submitter
from .subscription import Subscription
from .timing import MAX_SLEEP, RealtimeSettings
from .user_session import UserSession
from .verification import TokenVerification

_logger = logging.getLogger("pocketbase_core")


class ConnectionActions:
    """The connections of a manager, and the actions that open, use, replace and close them.

    Args:
        client: The parts of the client.
        settings: The server's limits, and the size of the queues.
        timeout: The limit for each request in seconds.
        owner: The loop of the manager.
        registry: The wanted topics and those that the server has confirmed.
        remove: Removes subscriptions, and ends them with an error.
        wake: Set when something has changed, so that `step` does not sleep on.
    """

    def __init__(
        self,
        client: ClientParts,
        settings: RealtimeSettings,
        timeout: float,
        owner: OwnerLoop,
        registry: SubscriptionRegistry[Subscription],
        remove: Callable[[Sequence[Subscription], Exception], None],
        wake: asyncio.Event,
    ) -> None:
        self.last_error: Exception | None = None
        """The reason why no connection is in use."""
        self._loop = owner.loop
        self._pipeline = pipeline = client.pipeline
        self._settings = settings
        self._callbacks = client.callbacks
        self._registry = registry
        self._remove = remove
        self._wake = wake
        on_closed = partial(owner.call, wake.set)
        self._connections = OpenConnections(self._on_event, on_closed, settings.queue_size // 2)
        self._connection: Connection | None = None
        """The connection in use."""
        self._handover = Handover(settings, wake.set)
        self._session = UserSession(client)
        self._verification = TokenVerification(client)
        self._delivery = Delivery(pipeline, registry, self._connections, self._verification)
        self._submitter = Submitter(pipeline, registry, self._session, remove, timeout)
        self._attempts = AttemptSchedule()
        self._failures = FailureHandler(registry, remove, self._submitter, self._session, self._attempts)

    @property
    def client_id(self) -> str:
        """The server's id of the connection in use; `""` if there is none."""
        return self._connection.client_id if self._connection is not None and self._connection.is_open else ""

    def notice_store_change(self) -> None:
        """Look for another sign-in in the store, and act on it."""
        self._delivery.check_sign_in()
        self._wake.set()

    def note_revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token, and act on it."""
        self._session.note_revoked(token)
        self._verification.check_soon()  # for a check on another loop, whose result may not have been noted yet
        self._wake.set()

    async def close(self, *, is_abandoned: bool) -> None:
        """Close all connections.

        Args:
            is_abandoned: Whether the loop ends, so that no callback is called.
        """
        await self._verification.close()
        was_connected = self._connection is not None
        await self._connections.close_all()
        if was_connected and not is_abandoned:
            self._callbacks.on_disconnect.notify(None)

    async def step(self, now: float) -> None:
        """Perform the most urgent action, or sleep until the next one is due."""
        self._session.report_revocation()
        self._delivery.check_sign_in()  # for an AuthStore that does not call its callbacks
        action = state.next_action(self._state(now), now)
        match action:  # type checkers report an action without a case, because it has no `until`
            case state.Step.CLOSE_PREVIOUS:
                if await self._close_previous():
                    self._registry.reset()  # submitting again proves that the connection in use works
            case state.Step.CONNECT:
                await self._connect()
            case state.Step.HANDLE_USER_CHANGE:
                await self._handle_disconnect(self._current.close_error)
            case state.Step.HANDLE_SESSION_END:
                await self._handle_disconnect(self._session.end_error())  # the next attempt shows what follows
            case state.Step.HANDLE_END:
                await self._handle_failure(self._current.close_error)
            case state.Step.HANDLE_TIMEOUT:
                await self._handle_failure(self._error("the server's end of the stream is overdue", is_timeout=True))
            case state.Step.RESUBMIT:
                await self._resubmit(self._current)
            case state.Step.REPLACE:
                await self._replace(self._current)
            case _:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(min(action.until, now + MAX_SLEEP)):
                        await self._wake.wait()

    def _state(self, now: float) -> state.ConnectionState:
        current = None
        if (connection := self._connection) is not None:
            current = state.CurrentConnection(
                is_open=connection.is_open,
                user_has_changed=has_changed(connection.sign_in, self._pipeline.auth_store),
                session_ends_at=self._session.ends_at(now),
                needs_submission=self._submitter.needs_submission,
                refresh_at=now + self._submitter.identity.refresh_at - time.time(),
                replace_at=self._settings.replace_at(connection.opened_at, connection.last_event_at),
                presumed_dead_at=self._settings.presumed_dead_at(connection.opened_at, connection.last_event_at),
            )
        return state.ConnectionState(
            current,
            self._attempts.next_at,
            self._handover.close_previous_at,
            self._session.retry_at,
            current is None and bool(self._registry.pending),
        )

    @property
    def _current(self) -> Connection:
        assert self._connection is not None, "the action is one of a connection in use"
        return self._connection

    async def _connect(self) -> None:
        connection = self._connections.new()
        requested, sign_in = self._registry.pending, sign_in_of(self._pipeline.auth_store)
        try:
            await connection.open(self._pipeline, self._submitter.connect_call)
            # Checked before the submission, so that no subscription begins as a guest's.
            if is_accepted := await self._verification.check():
                await self._submitter.submit(connection)
            elif not self._session.has_credentials:
                raise self._session.end_error()
        except Exception as error:
            await self._discard(connection)
            self.last_error = error
            user_has_changed = has_changed(connection.sign_in or sign_in, self._pipeline.auth_store)
            self._failures.handle(error, requested, user_has_changed=user_has_changed)
            return
        if not is_accepted:
            await self._discard(connection)
            self._attempts.connection_failed(self._loop.time())  # the next attempt signs in
        elif not self._registry or has_changed(connection.sign_in, self._pipeline.auth_store):
            await self._discard(connection)
        else:
            self._activate(connection)
            self._callbacks.on_connect.notify()

    async def _discard(self, connection: Connection) -> None:
        """Close a connection that was never in use. The server may have confirmed some topics on it."""
        await self._connections.close(connection)
        self._delivery.record_loss(connection.complete_until)
        self._registry.reset()

    async def _resubmit(self, connection: Connection) -> None:
        try:
            await self._submitter.submit(connection)
            self._activate(connection)
            self._attempts.submitted()
            self._verification.check_soon()
        except Exception as error:
            if state.ends_connection(error):
                await self._handle_failure(error)
            else:
                self._attempts.request_failed(self._loop.time())

    async def _replace(self, connection: Connection) -> None:
        """Open the next connection, submit the confirmed topics on it, and keep the present one as the previous."""
        await self._close_previous()
        newer = self._connections.new()
        try:
            await newer.open(self._pipeline, self._submitter.connect_call)
            self._handover.start(newer)
            await self._submitter.submit_confirmed(newer)
        except Exception:
            self._handover.cancel()
            await self._connections.close(newer)
            self._attempts.request_failed(self._loop.time())
            return
        self._handover.confirm(connection)
        if not connection.is_open:
            await self._close_previous()
        self._activate(newer)
        self._attempts.replaced()
        self._verification.check_soon()

    async def _close_previous(self) -> bool:
        """Close the previous connection. Return whether events may be missing, which is recorded as a loss."""
        previous, lost_since = self._handover.finish()
        if lost_since is not None:
            self._delivery.record_loss(lost_since)
        if previous is not None:
            await self._connections.close(previous)
        return lost_since is not None

    def _activate(self, connection: Connection) -> None:
        """Use this connection, on which the server has confirmed the topics. Announce it if it is a new one."""
        is_new, self._connection = connection is not self._connection, connection
        self.last_error = None
        self._attempts.end_delay()
        self._delivery.connected(connection.sign_in)
        if is_new:
            self._delivery.deliver(connection.first_event, connection.sign_in)

    async def _handle_disconnect(self, reason: Exception | None) -> None:
        """Close the connection in use, record the loss, and allow the next attempt at once."""
        connection = self._current
        _logger.warning(
            "realtime: the connection is lost: %s", "the user has changed" if reason is None else log_text(reason)
        )
        self.last_error = reason
        self._registry.reset()
        await self._close_previous()
        await self._connections.close(connection)
        self._connection = None  # only now: an event may still arrive while the connection is being closed
        self._delivery.disconnected()
        self._delivery.record_loss(connection.complete_until)
        self._handover = Handover(self._settings, self._wake.set)
        self._attempts.end_delay()
        self._callbacks.on_disconnect.notify(reason)

    async def _handle_failure(self, reason: Exception | None) -> None:
        """Handle a disconnect after which the next attempt has to wait."""
        opened_at = self._current.opened_at
        await self._handle_disconnect(reason)
        now = self._loop.time()
        self._attempts.connection_failed(now, now - opened_at)

    def _on_event(self, connection: Connection, event: ServerSentEvent) -> None:
        if not has_changed(connection.sign_in, self._pipeline.auth_store) and self._handover.is_new(connection, event):
            self._delivery.deliver(event, connection.sign_in)

    def _error(self, message: str, *, is_timeout: bool = False) -> Exception:
        error_type = PocketBaseTimeoutError if is_timeout else PocketBaseConnectionError
        return error_type(self._pipeline.build_url(realtime.PATH), message=message, request_sent=True)
