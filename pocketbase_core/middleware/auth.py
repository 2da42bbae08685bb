"""The token on each request, renewed in time."""

import asyncio
import contextlib
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from ..auth.store import AuthStore, look_again
from ..auth.token import expires_at, is_valid, renewable_until, user_of
from ..errors import PocketBaseError, PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ..messages import Headers, Request, Response
from .chain import Handler

MARGIN = 60.0
PAUSE = 5.0
LIMIT = 30.0
"""Seconds that a renewal takes at the most."""
_SIGN_IN = re.compile(r".*/api/collections/[^/]+/auth-[a-z0-9-]+")
"""Requests that give a new token: they do not wait for another one."""
_logger = logging.getLogger("pocketbase_core")


class Auth:
    """Adds to requests that bring no Authorization of their own the token that the store had when the call began.

    A token with less than a minute to live is renewed first, by one request however many wait for it. The renewal is a
    task of its own. A call waits for the renewal for at most half of the call's timeout. It goes out with a renewed
    token of the same user, or else with its own token while that is valid. A token that the server refuses to renew is
    not tried again; after any other failure the next attempt comes five seconds later.
    """

    def __init__(
        self, store: AuthStore, refresh: Callable[[str], Awaitable[object]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._clock = clock
        """The clock that a token's expiry is compared with. All waiting is measured by the loop's clock."""
        self._flights: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[None]] = {}
        """The renewals in progress, by loop and token."""
        self._margin = MARGIN
        self._settled = ""
        """The token that `_margin` was set for: the last renewed, or the last refused one."""
        self._paused, self._paused_until = "", 0.0
        """The token whose renewal failed, and until when it is not tried again."""
        self._last = _Token.read("")

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        token = self._store.token
        if not token or "Authorization" in request.headers:
            return call_next(request)
        return self._authorized(request, token, call_next)

    async def aclose(self) -> None:
        """End the renewals in progress, also those on other loops."""
        here, own = asyncio.get_running_loop(), list[asyncio.Task[None]]()
        for (loop, _), flight in [*self._flights.items()]:
            if loop is not here:
                with contextlib.suppress(RuntimeError):  # that loop is closed
                    loop.call_soon_threadsafe(flight.cancel)
            elif flight is not asyncio.current_task():  # a hook of the renewal may close the client
                flight.cancel()
                own.append(flight)
        if own:
            await asyncio.wait(own)

    async def _authorized(self, request: Request, token: str, call_next: Handler) -> Response:
        if self._is_due(token) and not _SIGN_IN.fullmatch(request.url):
            request, token = await self._renewed(request, token)
        return await call_next(request.with_headers(self._read(token).headers))

    async def _renewed(self, request: Request, token: str) -> tuple[Request, str]:
        """Wait for a renewal of `token`; return the request with the time that is left to it, and the token to send.

        Raises:
            PocketBaseTimeoutError: the token expired before its renewal was answered.
            PocketBaseUnauthorizedError: the token expired, and there is no other one of the same user.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        until = math.inf if request.timeout is None else begun + request.timeout / 2
        while (is_own := self._is_of_same_user(token)) and self._is_due(token := self._store.token):
            wait = until - loop.time()
            if wait <= 0:
                break
            flight = self._flight(token)
            await asyncio.wait([flight], timeout=None if wait == math.inf else wait)
            if flight.cancelled():  # the client is being closed
                break
        if not is_valid(token, self._clock()):
            if not is_own:
                message = "another user signed in, or nobody is signed in any more, while the call waited"
            elif loop.time() >= until:
                message = "the token expired before its renewal was answered; nothing was sent"
                raise PocketBaseTimeoutError(request.url, message=message, request_sent=False)
            else:
                message = "the token expired, and could not be renewed"
            raise PocketBaseUnauthorizedError(request.url, 401, message=f"{message}; nothing was sent")
        if request.timeout is not None:
            request = request.replace(timeout=max(request.timeout - (loop.time() - begun), 0.001))
        return request, token

    def _is_of_same_user(self, token: str) -> bool:
        user = user_of(token)
        return token == self._store.token or (None not in user and user == user_of(self._store.token))

    def _read(self, text: str) -> "_Token":
        """A token, which is read once for all requests with it."""
        if self._last.text != text:
            self._last = _Token.read(text)
        return self._last

    def _is_due(self, text: str) -> bool:
        margin = self._margin if text == self._settled else MARGIN
        if not is_due(self._read(text).expires, self._clock(), margin):
            return False
        return text != self._paused or asyncio.get_running_loop().time() >= self._paused_until

    def _flight(self, token: str) -> asyncio.Task[None]:
        """The task that renews `token` on the running loop."""
        key = asyncio.get_running_loop(), token
        flight = self._flights.get(key)
        if flight is None:
            for other in [other for other in [*self._flights] if other[0].is_closed()]:
                self._flights.pop(other, None)
            flight = self._flights[key] = key[0].create_task(self._renew(token), name="token renewal")
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight

    async def _renew(self, token: str) -> None:
        try:
            look_again(self._store)  # another process may have renewed it, or signed out
            if self._store.token == token:
                await self._refresh(token)
        except Exception as error:
            status = error.status if isinstance(error, PocketBaseError) else 0
            _logger.warning("the token could not be renewed: %s %s", type(error).__name__, status)
            if 400 <= status < 500 and status != 429:
                self._settled, self._margin = token, 0.0
            else:
                self._paused, self._paused_until = token, asyncio.get_running_loop().time() + PAUSE
        else:
            # The server may give tokens that live for less than a minute: half their life is early enough.
            self._settled = self._store.token
            life = (expires_at(self._settled) or 0.0) - self._clock()
            self._margin = min(MARGIN, life / 2)


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
