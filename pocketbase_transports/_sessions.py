"""A library's session, one for each event loop that uses it."""

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from pocketbase_core.transport import OwnerLoop, running_loop

S = TypeVar("S")


class SessionPerLoop(Generic[S]):
    """Opens a session when a loop first asks, and closes it on that loop.

    Each session lives in an async generator: a loop that ends, as `asyncio.run` does, finishes those that it started.
    A session of a loop that was closed otherwise, or of a parent process, is abandoned: its sockets are closed without
    the loop. `take_transports` takes the asyncio transports out of a session.
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
        """Return the running loop's session, if it has one."""
        known = self._sessions.get(running_loop())
        return None if known is None else known.value

    async def open(self) -> S:
        """Open a session for the running loop, which has none.

        Raises:
            RuntimeError: the transport is closed.
        """
        self._abandon(lambda loop: loop.is_closed())
        session = _OpenSession(self._open())
        session.keeper = self._session_lifetime(session)
        await anext(session.keeper)
        self._sessions[session.owner.loop] = session
        if self._closed:  # looked at now, as another thread may have closed the transport meanwhile
            await self.aclose()
            raise RuntimeError("the transport is closed")
        return session.value

    async def aclose(self) -> None:
        """Close all sessions, each on its own loop. If the caller is cancelled, they are closed all the same."""
        self._closed = True
        self._abandon(lambda loop: loop.is_closed())
        closing = [session.owner.run(session.close) for session in self._pop_sessions(lambda loop: True)]
        together = asyncio.gather(*closing, return_exceptions=True)
        try:
            outcomes = await asyncio.shield(together)
        except asyncio.CancelledError:
            while not together.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([together])
            raise
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def abandon_inherited(self) -> None:
        """Abandon the sessions of a parent process, which are in use there."""
        self._abandon(lambda loop: True)

    def _abandon(self, is_gone: Callable[[asyncio.AbstractEventLoop], bool]) -> None:
        for session in self._pop_sessions(is_gone):
            session.is_abandoned = True
            for transport in self._take_transports(session.value):
                _close_socket(transport)
            # It has nothing to wait for now. It runs already if it was closing the session.
            with contextlib.suppress(StopIteration, RuntimeError):
                session.keeper.aclose().__await__().send(None)

    def _pop_sessions(self, is_wanted: Callable[[asyncio.AbstractEventLoop], bool]) -> "list[_OpenSession[S]]":
        """Take out the sessions of some loops; several threads may do that at once."""
        loops = filter(is_wanted, self._sessions.copy())
        return [session for loop in loops if (session := self._sessions.pop(loop, None))]

    async def _session_lifetime(self, session: "_OpenSession[S]") -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._sessions.pop(session.owner.loop, None)
            if not session.is_abandoned:
                await self._close(session.value)


class _OpenSession(Generic[S]):
    """A session, its loop, and the generator that closes it there."""

    keeper: AsyncGenerator[None, None]

    def __init__(self, value: S) -> None:
        self.value = value
        self.owner = OwnerLoop()
        self.is_abandoned = False

    async def close(self) -> None:
        await self.keeper.aclose()


def _close_socket(transport: Any) -> None:
    """Close the socket of an asyncio transport without its loop.

    The public ways need the loop. That is closed, or a copy of the parent's: then it shares the parent's selector, in
    which it would unregister the parent's connection, and a TLS connection would be shut down for the parent too.
    """
    if (protocol := getattr(transport, "_ssl_protocol", None)) is not None:
        transport._closed = True  # or it warns that nobody closed it
        transport = protocol._transport
    if (socket := getattr(transport, "_sock", None)) is not None:
        transport._sock = None
        socket.close()


_instances: "weakref.WeakSet[SessionPerLoop[Any]]" = weakref.WeakSet()


def _abandon_inherited() -> None:
    for each in [*_instances]:
        each.abandon_inherited()


# `dict` stands in on Windows, which has no forks.
getattr(os, "register_at_fork", dict)(after_in_child=_abandon_inherited)
