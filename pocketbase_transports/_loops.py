"""A library's session, one for each event loop that uses it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

S = TypeVar("S")


class PerLoop(Generic[S]):
    """Opens a session when a loop first asks, and closes it on that loop.

    Each session lives in an async generator: a loop that ends, as `asyncio.run` does, finishes those that it started.
    """

    def __init__(self, open_session: Callable[[], S], close: Callable[[S], Awaitable[None]]) -> None:
        self._open = open_session
        self._close = close
        self._sessions: dict[asyncio.AbstractEventLoop, tuple[S, AsyncGenerator[S, None]]] = {}
        self._closed = False

    def get(self) -> S | None:
        """The running loop's session, if it has one."""
        known = self._sessions.get(asyncio.get_running_loop())
        return known and known[0]

    async def open(self) -> S:
        """A session for the running loop, which has none.

        Raises:
            RuntimeError: the transport is closed.
        """
        if self._closed:
            raise RuntimeError("the transport is closed")
        loop = asyncio.get_running_loop()
        keeper = self._keep(loop)
        session = await anext(keeper)
        self._sessions[loop] = session, keeper
        return session

    async def aclose(self) -> None:
        """Close them all, each on its own loop."""
        self._closed = True
        here = asyncio.get_running_loop()
        sessions, self._sessions = self._sessions, {}
        for loop, (_, keeper) in sessions.items():
            if loop is here:
                await keeper.aclose()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_finish(keeper), loop))

    async def _keep(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[S, None]:
        session = self._open()
        try:
            yield session
        finally:
            self._sessions.pop(loop, None)
            await self._close(session)


async def _finish(keeper: AsyncGenerator[S, None]) -> None:
    await keeper.aclose()
