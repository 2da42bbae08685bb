"""One session of an HTTP library for each event loop.

A session belongs to the event loop on which it was opened, but a transport may be used from several. So
`SessionPerLoop` opens a session when a loop first needs one, and closes that session on its own loop:

- `aclose`, from any loop or thread, has each session closed on its loop, and waits.
- The session is held by an async generator, which was started on the loop. A loop that ends properly, as by
  `asyncio.run`, finishes its async generators: that closes a session which the user has forgotten.
- A loop that was closed otherwise can run nothing any more. Its session is abandoned when another one is opened or
  closed: the sockets are closed directly, without the loop.
- After a fork, the child abandons the sessions that it has inherited. The parent goes on using them.
"""

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from pocketbase_core.transport import OwnerLoop, running_loop

S = TypeVar("S")


class SessionPerLoop(Generic[S]):
    """The sessions of a transport, by event loop.

    Args:
        open_session: Opens a session on the running loop.
        close: Closes a session on the running loop.
        take_transports: Removes the asyncio transports of all connections from a session, and returns them.
    """

    def __init__(
        self,
        open_session: Callable[[], S],
        close: Callable[[S], Awaitable[None]],
        take_transports: Callable[[S], Iterable[object]],
    ) -> None:
        self._open = open_session
        self._close = close
        self._take_transports = take_transports
        self._sessions: dict[asyncio.AbstractEventLoop, _OpenSession[S]] = {}
        self._closed = False
        _instances.add(self)

    def get(self) -> S | None:
        """Return the running loop's session, or None."""
        session = self._sessions.get(running_loop())
        return None if session is None else session.value

    async def open(self) -> S:
        """Open a session for the running loop, which has none.

        Raises:
            RuntimeError: If the transport is closed.
        """
        self._abandon(lambda loop: loop.is_closed())
        session = _OpenSession(self._open())
        session.lifetime = self._session_lifetime(session)
        await anext(session.lifetime)
        self._sessions[session.owner.loop] = session
        if self._closed:  # checked now, because another thread may have closed the transport in the meantime
            await self.aclose()
            raise RuntimeError("the transport is closed")
        return session.value

    async def aclose(self) -> None:
        """Close all sessions, each on its own loop. If the caller is cancelled, the sessions are still closed."""
        self._closed = True
        self._abandon(lambda loop: loop.is_closed())
        closing = [session.owner.run(session.close) for session in self._pop_sessions(lambda loop: True)]
        all_closed = asyncio.gather(*closing, return_exceptions=True)
        try:
            outcomes = await asyncio.shield(all_closed)
        except asyncio.CancelledError:
            while not all_closed.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([all_closed])
            raise
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def abandon_inherited(self) -> None:
        """Abandon the sessions that a forked child has inherited. They are in use in the parent process."""
        self._abandon(lambda loop: True)

    def _abandon(self, is_dead: Callable[[asyncio.AbstractEventLoop], bool]) -> None:
        for session in self._pop_sessions(is_dead):
            session.is_abandoned = True
            for transport in self._take_transports(session.value):
                _close_socket(transport)
            # An abandoned session's generator ends in one step. It is running already if it was closing the session.
            with contextlib.suppress(StopIteration, RuntimeError):
                session.lifetime.aclose().__await__().send(None)

    def _pop_sessions(self, matches: Callable[[asyncio.AbstractEventLoop], bool]) -> "list[_OpenSession[S]]":
        """Remove and return the sessions of matching loops. Several threads may do so at the same time."""
        loops = filter(matches, self._sessions.copy())
        return [session for loop in loops if (session := self._sessions.pop(loop, None))]

    async def _session_lifetime(self, session: "_OpenSession[S]") -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._sessions.pop(session.owner.loop, None)
            if not session.is_abandoned:
                await self._close(session.value)


class _OpenSession(Generic[S]):
    """A session, its event loop, and the async generator that closes the session."""

    lifetime: AsyncGenerator[None, None]

    def __init__(self, value: S) -> None:
        self.value = value
        self.owner = OwnerLoop()
        self.is_abandoned = False

    async def close(self) -> None:
        await self.lifetime.aclose()


def _close_socket(transport: Any) -> None:
    """Close the socket of an asyncio transport without its event loop.

    The public methods need the loop. The loop is closed, or is a copy of the parent's. A copy shares the parent's
    selector, and would unregister the parent's connection there; closing a TLS connection would shut it down for the
    parent too.
    """
    if (protocol := getattr(transport, "_ssl_protocol", None)) is not None:
        transport._closed = True  # prevents the warning about an unclosed transport
        transport = protocol._transport
    if (socket := getattr(transport, "_sock", None)) is not None:
        transport._sock = None
        socket.close()


_instances: "weakref.WeakSet[SessionPerLoop[Any]]" = weakref.WeakSet()


def _abandon_inherited() -> None:
    for instance in [*_instances]:
        instance.abandon_inherited()


# `dict` is a substitute on Windows, which has no fork.
getattr(os, "register_at_fork", dict)(after_in_child=_abandon_inherited)
