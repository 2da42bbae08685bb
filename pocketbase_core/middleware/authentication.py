"""The token of each request, renewed in time."""

import asyncio
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import NamedTuple, Self

from ..auth.store import AuthStore, reload_shared
from ..auth.token import expires_at, is_same_user, is_valid, refreshable_until
from ..concurrency.background_tasks import BackgroundTasks
from ..errors import PocketBaseError, PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ..messages import Headers, Request, Response
from .chain import Handler

REFRESH_MARGIN = 60.0
RETRY_PAUSE = 5.0
MARGIN_SHARE = 0.5
"""The part of a call's timeout for which the call waits for a renewal."""
REFRESH_TIMEOUT = 30.0
"""Seconds that a renewal takes at the most."""
_SIGN_IN = re.compile(r".*/api/collections/[^/]+/auth-[a-z0-9-]+")
"""Requests that give a new token: they do not wait for another one."""
_surrounding: ContextVar["asyncio.Task[None] | None"] = ContextVar("pocketbase_renewal", default=None)
"""The renewal that a call is a part of: a hook of the renewal may make calls, which must not wait for themselves."""
_logger = logging.getLogger("pocketbase_core")


class TokenAuth:
    """Middleware that gives each request without an Authorization the token that the store had when the call began.

    A token with less than a minute to live is renewed first, by one request however many wait for it. The renewal is a
    task of its own. A call waits for the renewal for at most half of the call's timeout. The call then goes out with a
    renewed token of the same user, or else with its own token while that is valid. A token that the server refuses to
    renew is not tried again; after any other failure, the next attempt comes five seconds later.
    """

    def __init__(
        self, store: AuthStore, refresh: Callable[[str], Awaitable[object]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._clock = clock
        """The clock that a token's expiry is compared with. All waiting is measured by the loop's clock."""
        self._tasks = BackgroundTasks()
        self._renewals: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[None]] = {}
        """The renewals in progress, by loop and token."""
        self._margin = REFRESH_MARGIN
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
        """End the renewals in progress, each on its own loop."""
        await self._tasks.aclose()

    async def _authorized(self, request: Request, token: str, call_next: Handler) -> Response:
        if self._is_due(token) and not _SIGN_IN.fullmatch(request.url):
            loop = asyncio.get_running_loop()
            begun = loop.time()
            token = await self._renewed(request, token)
            if request.timeout is not None:
                request = request.replace(timeout=max(request.timeout - (loop.time() - begun), 0.001))
        return await call_next(request.with_headers(self._read(token).headers))

    async def _renewed(self, request: Request, token: str) -> str:
        """Wait until the user of `token` has a token that need not be renewed, and return the user's last one.

        Raises:
            PocketBaseTimeoutError: the token expired before its renewal was answered.
            PocketBaseUnauthorizedError: the token expired, and there is no other one of the same user.
        """
        loop = asyncio.get_running_loop()
        until = math.inf if request.timeout is None else loop.time() + request.timeout * MARGIN_SHARE
        while is_own := is_same_user(token, newest := self._store.token):
            token, left = newest, until - loop.time()
            if left <= 0 or not self._is_due(token) or _is_in_renewal():
                break
            renewal = self._renewal(token)
            await asyncio.wait([renewal], timeout=None if left == math.inf else left)
            if renewal.cancelled():  # the client is being closed
                break
        if not is_valid(token, self._clock()):
            raise _expired(request.url, is_own=is_own, is_late=loop.time() >= until)
        return token

    def _read(self, text: str) -> "_Token":
        """Read a token, once for all requests with it."""
        if self._last.text != text:
            self._last = _Token.read(text)
        return self._last

    def _is_due(self, text: str) -> bool:
        margin = self._margin if text == self._settled else REFRESH_MARGIN
        if not is_due(self._read(text).expires, self._clock(), margin):
            return False
        return text != self._paused or asyncio.get_running_loop().time() >= self._paused_until

    def _renewal(self, token: str) -> asyncio.Task[None]:
        """Return the task that renews `token` on the running loop."""
        key = asyncio.get_running_loop(), token
        renewal = self._renewals.get(key)
        if renewal is None:
            for other in [other for other in [*self._renewals] if other[0].is_closed()]:
                self._renewals.pop(other, None)
            renewal = self._renewals[key] = self._tasks.create(self._renew(token), "token renewal")
            renewal.add_done_callback(lambda _: self._renewals.pop(key, None))
        return renewal

    async def _renew(self, token: str) -> None:
        _surrounding.set(asyncio.current_task())
        try:
            reload_shared(self._store)  # another process may have renewed it, or signed out
            if self._store.token == token:
                await self._refresh(token)
        except Exception as error:
            status = error.status if isinstance(error, PocketBaseError) else 0
            _logger.warning("the token could not be renewed: %s %s", type(error).__name__, status)
            if 400 <= status < 500 and status != 429:
                self._settled, self._margin = token, 0.0
            else:
                self._paused, self._paused_until = token, asyncio.get_running_loop().time() + RETRY_PAUSE
        else:
            # The server may give tokens that live for less than a minute: half their life is early enough.
            self._settled = self._store.token
            life = (expires_at(self._settled) or 0.0) - self._clock()
            self._margin = min(REFRESH_MARGIN, life / 2)


class _Token(NamedTuple):
    """A token, when it expires if it can be renewed, and how it is sent."""

    text: str
    expires: float | None
    headers: Headers

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(text, refreshable_until(text), Headers({"Authorization": text}))


def is_due(expires: float | None, now: float, margin: float) -> bool:
    """Return whether a token is to be renewed now. The server renews none that has expired."""
    return expires is not None and now < expires <= now + margin


def _is_in_renewal() -> bool:
    renewal = _surrounding.get()
    return renewal is not None and not renewal.done()


def _expired(url: str, *, is_own: bool, is_late: bool) -> PocketBaseError:
    """Return the error of a call whose token expired while the call waited for a renewal."""
    if not is_own:
        message = "another user signed in, or nobody is signed in any more, while the call waited; nothing was sent"
    elif is_late:
        message = "the token expired before its renewal was answered; nothing was sent"
        return PocketBaseTimeoutError(url, message=message, request_sent=False)
    else:
        message = "the token expired, and could not be renewed; nothing was sent"
    return PocketBaseUnauthorizedError(url, 401, message=message)
