"""The token of each request, refreshed in time.

Theory of operation:

1. When a call begins, `TokenAuth` takes the store's token. A call without a token, or with an Authorization header of
   its own, passes unchanged. From here on the call belongs to the user of its token: whatever happens to the store, the
   call is sent with a token of this user, or not at all.
2. `RefreshSchedule` decides whether the token is to be refreshed now. In nearly all calls it is not, and the call is
   sent.
3. Otherwise the call waits for the refresh of its token. There is one refresh for each token and event loop, however
   many calls wait for it. The refresh is a task of its own, so that a cancelled call does not end the refresh that
   other calls wait for. A sign-in does not wait: it brings a new token.
4. Before the refresh sends anything, it reloads a store that other processes share: another process may have refreshed
   the token already, or signed out.
5. A call waits for at most half of its timeout, and the wait is deducted from the timeout. The wait ends earlier when
   the store has a token that needs no refresh, another user's token, or no token.
6. If the user's last token is still valid, the call is sent with it, whether the refresh succeeded or not. If that
   token has expired, the call raises an error: PocketBase would treat the request as a guest's.

A refresh may itself lead to calls: a hook of the user's may send requests while the refresh passes through the
middleware. Such a call must not wait for the refresh that waits for it, so a context variable marks the calls that are
part of a refresh.
"""

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
from ..errors import PocketBaseError, PocketBaseTimeoutError, PocketBaseUnauthorizedError, log_text
from ..messages import Headers, Request, Response
from .chain import Handler
from .refresh_schedule import RefreshSchedule

REFRESH_WAIT_SHARE = 0.5
"""The share of a call's timeout for which the call waits for a refresh."""
REFRESH_TIMEOUT = 30.0
"""The longest time that a refresh may take, in seconds."""
_SIGN_IN = re.compile(r".*/api/collections/[^/]+/auth-[a-z0-9-]+")
"""Requests that return a new token, and therefore do not wait for a refresh."""
_current_refresh: ContextVar["asyncio.Task[None] | None"] = ContextVar("pocketbase_token_refresh", default=None)
"""The refresh that the running code is part of."""
_logger = logging.getLogger("pocketbase_core")


class TokenAuth:
    """Middleware that gives each request without an Authorization the token that the store had when the call began.

    A token with less than a minute to live is refreshed first, by one request however many calls wait for it.

    Args:
        store: The store of the signed-in user.
        send_refresh: Sends the request that refreshes a token, and saves the new token to the store.
        clock: Returns the seconds since the epoch, which a token's expiry is compared with. Waits are measured by the
            event loop's clock instead, which is monotonic.
        tasks: The owner of the refreshes in progress, if another `TokenAuth` shares it.
    """

    def __init__(
        self,
        store: AuthStore,
        send_refresh: Callable[[str], Awaitable[object]],
        *,
        clock: Callable[[], float] = time.time,
        tasks: BackgroundTasks | None = None,
    ) -> None:
        self.tasks = BackgroundTasks() if tasks is None else tasks
        """The refreshes in progress."""
        self._store = store
        self._send_refresh = send_refresh
        self._clock = clock
        self._schedule = RefreshSchedule()
        self._refresh_tasks: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[None]] = {}
        """The refreshes in progress, by event loop and token."""
        self._parsed = _Token.parse("")
        """The token of the last request: the next request has the same one, as a rule."""

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Send the request with the token of the signed-in user, refreshed if necessary.

        Raises:
            PocketBaseUnauthorizedError: If the token expired while the call waited for its refresh. Nothing was sent.
            PocketBaseTimeoutError: If the token expired before the server responded to the refresh. Nothing was sent.
        """
        token = self._store.token
        if not token or "Authorization" in request.headers:
            return call_next(request)
        return self._send_with_token(request, token, call_next)

    async def aclose(self) -> None:
        """Cancel the refreshes in progress, each on its own loop."""
        await self.tasks.aclose()

    async def _send_with_token(self, request: Request, token: str, call_next: Handler) -> Response:
        if self._needs_refresh(token) and not _SIGN_IN.fullmatch(request.url):
            loop = asyncio.get_running_loop()
            started = loop.time()
            token = await self._wait_for_refresh(request, token)
            if request.timeout is not None:
                request = request.replace(timeout=max(request.timeout - (loop.time() - started), 0.001))
        return await call_next(request.with_headers(self._parse(token).headers))

    async def _wait_for_refresh(self, request: Request, token: str) -> str:
        """Wait until the user of `token` has a token that needs no refresh. Return the user's last token.

        Raises:
            PocketBaseTimeoutError: If the token expired before the server responded to the refresh.
            PocketBaseUnauthorizedError: If the token expired, and the store has no other token of the same user.
        """
        loop = asyncio.get_running_loop()
        wait_until = math.inf if request.timeout is None else loop.time() + request.timeout * REFRESH_WAIT_SHARE
        while same_user := is_same_user(token, stored := self._store.token):
            token, remaining = stored, wait_until - loop.time()
            if remaining <= 0 or not self._needs_refresh(token) or _is_inside_refresh():
                break
            task = self._refresh_task(token)
            await asyncio.wait([task], timeout=None if remaining == math.inf else remaining)
            if task.cancelled():  # the client is being closed
                break
        if not is_valid(token, self._clock()):
            raise _expired_error(request.url, same_user=same_user, timed_out=loop.time() >= wait_until)
        return token

    def _parse(self, token: str) -> "_Token":
        if self._parsed.text != token:
            self._parsed = _Token.parse(token)
        return self._parsed

    def _needs_refresh(self, token: str) -> bool:
        loop_time = asyncio.get_running_loop().time()
        return self._schedule.is_due(token, self._parse(token).refreshable_until, self._clock(), loop_time)

    def _refresh_task(self, token: str) -> asyncio.Task[None]:
        """Return the task that refreshes `token` on the running loop; start the task if there is none."""
        key = asyncio.get_running_loop(), token
        task = self._refresh_tasks.get(key)
        if task is None:
            for other in [other for other in [*self._refresh_tasks] if other[0].is_closed()]:
                self._refresh_tasks.pop(other, None)
            task = self._refresh_tasks[key] = self.tasks.create(self._refresh(token), "token refresh")
            task.add_done_callback(lambda _: self._refresh_tasks.pop(key, None))
        return task

    async def _refresh(self, token: str) -> None:
        _current_refresh.set(asyncio.current_task())
        try:
            reload_shared(self._store)  # another process may have refreshed the token, or signed out
            if self._store.token == token:
                await self._send_refresh(token)
        except Exception as error:
            status = error.status if isinstance(error, PocketBaseError) else 0
            _logger.warning("the token could not be refreshed: %s", log_text(error))
            if 400 <= status < 500 and status != 429:
                self._schedule.refused(token)
            else:
                self._schedule.failed(token, asyncio.get_running_loop().time())
        else:
            stored = self._store.token
            self._schedule.succeeded(stored, (expires_at(stored) or 0.0) - self._clock())


class _Token(NamedTuple):
    """A token, when it expires if it can be refreshed, and the header that carries it."""

    text: str
    refreshable_until: float | None
    headers: Headers

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text, refreshable_until(text), Headers({"Authorization": text}))


def _is_inside_refresh() -> bool:
    """Return whether the running code is part of a refresh that is still in progress."""
    task = _current_refresh.get()
    return task is not None and not task.done()


def _expired_error(url: str, *, same_user: bool, timed_out: bool) -> PocketBaseError:
    """Return the error of a call whose token expired while the call waited for a refresh."""
    if not same_user:
        message = "the user signed out, or another user signed in, while the call waited; nothing was sent"
    elif timed_out:
        message = "the token expired before the server responded to its refresh; nothing was sent"
        return PocketBaseTimeoutError(url, message=message, request_sent=False)
    else:
        message = "the token expired and could not be refreshed; nothing was sent"
    return PocketBaseUnauthorizedError(url, 401, message=message)
