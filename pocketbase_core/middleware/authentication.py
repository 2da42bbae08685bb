"""The token of each request.

Theory of operation:

1. When a call begins, `TokenAuth` takes the store's token. A guest's call, or one with an Authorization header of its
   own, passes unchanged. From here on the call belongs to the user of its token: whatever happens to the store, the
   call is sent with a token of this user, or not at all.
2. `TokenProvider` refreshes the token, or signs in, if necessary. A call that needs no user, such as a sign-in, does
   not wait: it is sent with a token that is valid, or without one. An empty Authorization header marks other calls that
   may be a guest's.
3. An attempt may begin long after the call, because a hook is slow, or `Retry` waits between attempts. If the token has
   expired since, `AttemptAuth`, which is the innermost middleware, obtains another one for the attempt.
4. If the response cannot be trusted, because the token may have been revoked, the token is checked. If it was revoked,
   a client with credentials signs in and sends the call again: a read, or a write that the server has refused.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable
from contextvars import ContextVar

from ..endpoints import realtime
from ..errors import PocketBaseUnauthorizedError
from ..messages import Headers, Request, Response
from ..messages.request import derive_request
from .chain import Handler
from .session_schedule import Step
from .token_provider import TokenProvider

CLOCK_INTERVAL = 60.0
"""Seconds after which a response is used again to compare the clocks."""
MAX_SENDS = 3
"""How often a call is sent at most while the server keeps revoking its tokens."""
_NEEDS_NO_USER = re.compile(
    r".*/api/collections/[^/]+/(auth-with-[a-z0-9-]+|auth-methods|request-(otp|password-reset|verification)|confirm-.+)"
)
_NO_HEADERS = Headers()


class _Sending:
    """The token that a call is being sent with."""

    __slots__ = ("expires", "first_token", "token", "was_late")

    def __init__(self, token: str, expires: float) -> None:
        self.first_token = token
        self.token = token
        self.expires = expires
        """When the first token expires, in seconds since the epoch by this machine's clock."""
        self.was_late = False
        """True if the response has shown that the token had expired when the request was sent."""


_sending: ContextVar[_Sending | None] = ContextVar("pocketbase_token", default=None)


class TokenAuth:
    """Middleware that gives each request without an Authorization the token that the store had when the call began.

    Args:
        tokens: Provides the tokens of the store.
    """

    def __init__(self, tokens: TokenProvider) -> None:
        self._tokens = tokens
        self._plain = _NO_HEADERS
        """Headers without an Authorization: those of the last such request, because the next one has the same."""
        self._merged = _NO_HEADERS, _NO_HEADERS, _NO_HEADERS
        """The headers of the last request, the header of its token, and both merged, for the same reason."""

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Send the request with the token of the signed-in user, obtained if necessary.

        Raises:
            PocketBaseSessionExpiredError: If the token has expired, and no other could be obtained. Nothing was sent.
            PocketBaseUnauthorizedError: If another user signed in while the call waited, and nothing was sent; or if
                the server has revoked the token, and handled the request as a guest's.
            PocketBaseTimeoutError: If no token was obtained in time. Nothing was sent.
        """
        tokens, headers = self._tokens, request.headers
        token = tokens.store.token
        if headers is not self._plain and headers.get("Authorization", "") == "":
            self._plain = headers
        if headers is not self._plain or (not token and tokens.passes_guests()):
            return self._compare_clocks(request, call_next) if "/auth-" in request.url else call_next(request)
        started = asyncio.get_running_loop().time()
        of_token = tokens.settled_headers(token, started, request.timeout)
        if of_token is None:
            return self._send_with_proof(request, token, call_next, started)
        if self._merged[0] is not headers or self._merged[1] is not of_token:
            self._merged = headers, of_token, headers | of_token
        return self._send_settled(request, self._merged[2], token, call_next, started)

    async def _send_settled(
        self, request: Request, headers: Headers, token: str, call_next: Handler, started: float
    ) -> Response:
        """Return the response of a call that needs no step, and no proof unless the server refuses the call.

        Args:
            request: The request.
            headers: Its headers, with that of the token.
            token: The token.
            call_next: The handler.
            started: The loop's time at which the call began.
        """
        with_token = derive_request(request, request.url, headers, request.timeout, request.client_options)
        response = await call_next(with_token)
        if response.status_code not in (401, 403):
            return response
        return await self._send_with_proof(request, token, call_next, started, response)

    async def _send_with_proof(
        self, request: Request, token: str, call_next: Handler, started: float, response: Response | None = None
    ) -> Response:
        """Return a response that the server has not given to a guest.

        Args:
            request: The request.
            token: The token of the store when the call began.
            call_next: The handler.
            started: The loop's time at which the call began.
            response: The response to the request with this token, if it was sent already.
        """
        tokens, deadline = self._tokens, math.inf if request.timeout is None else started + request.timeout
        step, sending = tokens.next_step(token, started), _Sending(token, math.inf)
        for _ in range(MAX_SENDS):
            if response is None:
                if step is not Step.SEND:
                    token = await self._prepare(request, token, deadline)
                    request = _with_time_until(request, deadline)
                sending = _Sending(token, tokens.local_expiry(token))
                sent_at, context = time.time(), _sending.set(sending)
                try:
                    response = await call_next(request.with_headers(tokens.headers(token)) if token else request)
                finally:
                    _sending.reset(context)
                self._observe(response, sending, started, sent_at)
            if not sending.token or not await self._is_guests(request, response, sending, deadline):
                return response
            if not tokens.has_credentials or not all(each.replayable for each in request.sources):
                break
            response, token, step = None, sending.token, Step.SIGN_IN
        message = "the server no longer accepts the token, and handled the request as a guest's"
        raise PocketBaseUnauthorizedError(request.url, 401, message=message)

    async def _is_guests(self, request: Request, response: Response, sending: _Sending, deadline: float) -> bool:
        """Return whether the server has handled a request as a guest's, and the call may be sent again.

        A write that has taken effect is never sent again, and whoever made it has to know that it took effect.
        """
        is_read = request.method in ("GET", "HEAD")
        if not is_read and response.status_code < 400:
            return False
        if sending.was_late:
            return True
        if is_read and response.status_code < 400 and request.url.endswith(realtime.PATH):
            return False  # it has no data, and realtime checks the token of each connection itself
        if not self._tokens.needs_proof(sending.token, is_read=is_read, status=response.status_code, deadline=deadline):
            return False
        return not await self._tokens.is_accepted(request.url, sending.token, deadline)

    async def _prepare(self, request: Request, token: str, deadline: float) -> str:
        """Return the token to send a request with."""
        is_unusable = self._tokens.is_unusable(token)
        needs_no_user = _NEEDS_NO_USER.fullmatch(request.url) is not None
        if is_unusable and (needs_no_user or "Authorization" in request.headers):
            return ""
        if not is_unusable and (needs_no_user or request.url.endswith("/auth-refresh")):
            return token
        return await self._tokens.obtain(request.url, token, deadline)

    def _observe(self, response: Response, sending: _Sending, started: float, sent_at: float) -> None:
        """Compare the clocks, if that is due."""
        tokens = self._tokens
        if started >= tokens.compare_clocks_at or not sending.token:
            tokens.compare_clocks_at = started + CLOCK_INTERVAL
            tokens.clock.observe(response, sent_at)
            sending.was_late = tokens.local_expiry(sending.token) <= sent_at

    async def _compare_clocks(self, request: Request, call_next: Handler) -> Response:
        sent_at = time.time()
        response = await call_next(request)
        self._tokens.clock.observe(response, sent_at)
        return response


class AttemptAuth:
    """Middleware that replaces the token of an attempt if the token has expired since the call began.

    Args:
        tokens: Provides the tokens of the store.
    """

    def __init__(self, tokens: TokenProvider) -> None:
        self._tokens = tokens

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Send the request, with another token of its user if necessary.

        Raises:
            PocketBaseSessionExpiredError: If no other token could be obtained. This attempt was not sent.
        """
        sending = _sending.get()
        if sending is None or time.time() < sending.expires:
            return call_next(request)
        return self._send_with_new_token(request, sending, call_next)

    async def _send_with_new_token(self, request: Request, sending: _Sending, call_next: Handler) -> Response:
        if request.headers.get("Authorization") != sending.first_token:  # a hook has set another one
            return await call_next(request)
        now = asyncio.get_running_loop().time()
        deadline = math.inf if request.timeout is None else now + request.timeout
        sending.token = await self._tokens.obtain(request.url, sending.token, deadline)
        request = _with_time_until(request, deadline).with_headers(self._tokens.headers(sending.token))
        return await call_next(request)


def _with_time_until(request: Request, deadline: float) -> Request:
    """Return a request with the time that remains until the deadline as its timeout."""
    if deadline == math.inf:
        return request
    return request.replace(timeout=max(deadline - asyncio.get_running_loop().time(), 0.001))
