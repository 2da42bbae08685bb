"""The connection manager of a client, on whichever event loop it runs."""

from collections.abc import Callable
from functools import partial

from ..concurrency.event_loops import start_lock
from .client_parts import ClientParts
from .connection_manager import ConnectionManager
from .subscription import Subscription
from .timing import RealtimeSettings, request_timeout


class CurrentManager:
    """The connection manager in use: created when something is subscribed, and forgotten when its loop is gone.

    Args:
        client: The parts of the client.
    """

    def __init__(self, client: ClientParts) -> None:
        self._client = client
        self._manager: ConnectionManager | None = None

    @property
    def client_id(self) -> str:
        """The server's id of the connection; `""` if there is none."""
        return "" if self._manager is None or self._manager.owner.is_gone else self._manager.client_id

    def get(self, settings: RealtimeSettings) -> ConnectionManager:
        """Return the running manager. Start one if there is none.

        Args:
            settings: The settings of a new one.

        Raises:
            RuntimeError: If the manager belongs to another event loop.
        """
        with start_lock:
            if self._manager is not None and self._manager.owner.is_gone:
                self._manager.unwatch_store()
                self._manager = None
            if self._manager is None or not self._manager.is_running:
                timeout = request_timeout(self._client.pipeline.timeout)
                self._manager = ConnectionManager(self._client, settings, timeout)
            manager = self._manager
        if not manager.owner.is_current:
            raise RuntimeError("realtime is in use on another event loop: close it, or use another client here")
        return manager

    async def unsubscribe(
        self, choose: Callable[[list[Subscription]], list[Subscription]], error: Exception | None = None
    ) -> None:
        """Remove the subscriptions that `choose` picks out of all, on the manager's loop."""
        manager = self._manager
        if manager is not None:
            await manager.owner.run(partial(manager.unsubscribe, choose, error))

    def follow_store(self) -> None:
        """Follow the store that the pipeline has now."""
        if (manager := self._running) is not None:
            manager.watch_store()

    def note_revoked(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        if (manager := self._running) is not None:
            manager.note_revoked(token)

    def forget_stopped_loop(self) -> None:
        """Forget the manager if its loop does not run. Its task ends when the loop runs again, if ever."""
        with start_lock:
            if self._manager is not None and not self._manager.loop.is_running():
                self._manager.unwatch_store()
                self._manager = None

    def cancel(self) -> bool:
        """Cancel the manager's task. Return whether it was running."""
        manager = self._manager
        if manager is None or not manager.is_running or manager.owner.is_gone:
            return False
        manager.owner.call(manager.cancel)
        return True

    @property
    def _running(self) -> ConnectionManager | None:
        with start_lock:
            manager = self._manager
        return manager if manager is not None and manager.is_running else None
