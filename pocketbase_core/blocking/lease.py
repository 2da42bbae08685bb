"""The claim of a client to the portal, from its first call until it is closed."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from ..concurrency.event_loops import start_lock
from .callbacks import CallbackThread, is_asynchronous, run_job
from .portal import Portal, acquire_portal, check_no_running_loop, release_portal, warn_unclosed

T = TypeVar("T")


class Lease:
    """The claim of one client to the portal. The clients of `with_auth_store` share the claim of the first one.

    Args:
        name: The name of the client in a warning.
        parent: The lease of the client whose transport the client shares.
        transport: The transport. The portal refers to the leases that use it, so the garbage collector cannot close
            the connections of a forgotten client while the portal closes them.
    """

    def __init__(self, name: str, parent: "Lease | None" = None, transport: object = None) -> None:
        self._owner: Lease = self if parent is None else parent._owner
        """The lease that has the claim."""
        self._transport = transport
        self._name = name
        self._was_closed = False
        self._portal: Portal | None = None
        self._callbacks: CallbackThread | None = None
        self._callbacks_portal: Portal | None = None

    @property
    def is_closed(self) -> bool:
        """True once the client was closed, or the client whose transport it shares."""
        return self._was_closed or self._owner._was_closed

    def abandon(self, closing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Give the claim up without waiting, because the client was deleted. Python calls this on any thread.

        Args:
            closing: Makes the coroutine that closes the client, if it was used and not closed.
        """
        portal, self._portal = self._portal, None
        self._was_closed = True
        if portal is None or portal.is_gone:
            return
        if self._callbacks is not None:
            self._callbacks.end()
        portal.close_later(closing(), self)
        warn_unclosed(self._name)

    def portal(self) -> Portal:
        """Return the portal.

        Raises:
            RuntimeError: If the client was closed, or an event loop is running in this thread.
        """
        check_no_running_loop()
        if self.is_closed:
            raise RuntimeError("this client was closed: create another one")
        owner = self._owner
        portal = owner._portal
        if portal is None or portal.is_gone:
            with start_lock:
                if self.is_closed:  # by another thread, just now
                    return self.portal()
                if owner._portal is None or owner._portal.is_gone:
                    owner._portal = acquire_portal(owner, owner._name)
                portal = owner._portal
        return portal

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the portal, and return its value."""
        try:
            portal = self.portal()
        except BaseException:
            coroutine.close()
            raise
        return portal.run(coroutine)

    def run_last(self, closing: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine that closes the client.

        If the portal does not run for this client, the coroutine runs on this thread: Python 3.12 starts no thread
        while a process ends, when functions of `atexit` close clients.
        """
        portal = self._owner._portal
        if (portal is not None and not portal.is_gone) or asyncio._get_running_loop() is not None:
            self.run(closing)
            return
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(closing)
        finally:
            loop.close()

    def on_callback_thread(self, callback: Any) -> Any:
        """Return a callback as a coroutine function that runs it on the client's thread for callbacks."""
        if not callable(callback) or is_asynchronous(callback):
            return callback

        @wraps(callback, updated=())
        async def run(*arguments: Any) -> Any:
            return await run_job(self._owner._callback_thread().put, callback, *arguments)

        return run

    def close(self) -> None:
        """Give the claim up. The last one ends the portal."""
        self._was_closed = True
        callbacks, self._callbacks = self._callbacks, None
        if callbacks is not None and self._callbacks_portal is self._portal:
            callbacks.stop()
        with start_lock:
            portal, self._portal = self._portal, None
        if portal is not None:
            release_portal(portal, self)

    def _callback_thread(self) -> CallbackThread:
        with start_lock:
            if self._callbacks is None or self._callbacks_portal is not self._portal:
                self._callbacks, self._callbacks_portal = CallbackThread(), self._portal
            return self._callbacks
