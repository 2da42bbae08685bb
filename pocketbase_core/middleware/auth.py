"""The token on each request, renewed in time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from ..auth.store import AuthStore
from ..auth.token import expires_at, renewable_until
from ..errors import PocketBaseError
from ..messages import Headers, Request, Response
from .chain import Handler

MARGIN = 60.0
PAUSE = 5.0
_logger = logging.getLogger("pocketbase_core")


class Auth:
    """Adds the store's token to requests that bring no Authorization of their own.

    A token with less than a minute to live is renewed first, by one request however many wait for it. When that
    fails, the waiting requests go out with the token they have. A token that the server refuses to renew is not tried
    again; after any other failure the next attempt comes five seconds later.
    """

    def __init__(
        self, store: AuthStore, refresh: Callable[[str], Awaitable[object]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._clock = clock
        self._flight: asyncio.Future[None] | None = None
        self._margin = MARGIN
        self._paused_until = 0.0
        self._settled = ""
        """The token that `_margin` was set for: the last renewed, or the last refused one."""
        self._last = _Token.read("")

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        if not self._store.token or "Authorization" in request.headers:
            return call_next(request)
        return self._authorized(request, call_next)

    async def _authorized(self, request: Request, call_next: Handler) -> Response:
        while self._is_due():
            if self._flight is None or self._flight.get_loop() is not asyncio.get_running_loop():
                await self._renew()
                break
            await asyncio.wait([self._flight])  # still due after it was cancelled: one of those that wait goes next
        if not self._store.token:
            return await call_next(request)
        return await call_next(request.with_headers(self._token().headers))

    def _token(self) -> "_Token":
        """The store's, which is read once for all requests with it."""
        if self._last.text != self._store.token:
            self._last = _Token.read(self._store.token)
        return self._last

    def _is_due(self) -> bool:
        token = self._token()
        margin = self._margin if token.text == self._settled else MARGIN
        now = self._clock()
        return now >= self._paused_until and is_due(token.expires, now, margin)

    async def _renew(self) -> None:
        flight = self._flight = asyncio.get_running_loop().create_future()
        token = self._store.token
        try:
            await self._refresh(token)
        except PocketBaseError as error:
            _logger.warning("the token could not be renewed: %s %s", type(error).__name__, error.status)
            if 400 <= error.status < 500 and error.status != 429:
                self._settled, self._margin = token, 0.0
            else:
                self._paused_until = self._clock() + PAUSE
        else:
            # The server may give tokens that live for less than a minute: half their life is early enough.
            self._settled = self._store.token
            life = (expires_at(self._settled) or 0.0) - self._clock()
            self._margin = min(MARGIN, life / 2)
        finally:
            self._flight = None
            flight.set_result(None)


class _Token(NamedTuple):
    """A token, when it expires if it can be renewed, and how it is sent."""

    text: str
    expires: float | None
    headers: Headers

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(text, renewable_until(text), Headers({"Authorization": text}))


def is_due(expires: float | None, now: float, margin: float) -> bool:
    """Whether a token is to be renewed now. An expired one can't be any more."""
    return expires is not None and now < expires <= now + margin
