"""A server that knows which tokens are valid, for clients that keep their session alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    Middleware,
    PasswordCredentials,
    PocketBase,
    PocketBaseConnectionError,
    Request,
    Response,
)
from pocketbase_core.auth.token import claims
from pocketbase_transports import MockTransport

from .tokens import encoded

START = 1_700_000_000.0
"""The server's time at the loop's time 0, in seconds since the epoch."""


class SessionServer:
    """A server of one user `u1`, on a virtual clock, and a client.

    Args:
        monkeypatch: Sets the client's clock.
        lifetime: The seconds that a token lives.
        **options: Options of the client.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lifetime: float = 3600.0, **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.lifetime = lifetime
        self.clock_error = 0.0
        """The seconds by which the client's clock is ahead of the server's."""
        self.has_date = True
        self.password, self.key = "right", 0
        self.statuses: dict[str, int] = {}
        """Statuses of failures, by the end of the path; 0 is a connection that fails."""
        self.delays: dict[str, float] = {}
        """Seconds that a response takes, by the end of the path."""
        self.latency = 0.0
        """Seconds that a request takes to arrive."""
        self.requests: list[tuple[str, str, str]] = []
        """The method, the last part of the path, and the user (`""` for a guest) of each request."""
        self.issued = 0
        self.user_of: Callable[[str], str] = self._user_of
        self.answer: Callable[[Request, str, str], Response] = self._answer
        self.respond: Callable[[Request], Awaitable[Response]] = self._respond
        """A test may replace these three."""
        monkeypatch.setattr(time, "time", lambda: self.now() + self.clock_error)
        options.setdefault("credentials", self.credentials())
        self.pb = self.client(**options)

    def client(self, **options: Any) -> PocketBase:
        """Return another client."""
        transport = MockTransport(lambda request: self.respond(request))
        nothing: list[Middleware] = []
        middleware: list[Middleware] = options.pop("middleware", nothing)
        return PocketBase("http://h", transport=transport, middleware=middleware, **options)

    def credentials(self, password: str = "right") -> PasswordCredentials:
        return PasswordCredentials("users", "u1", password)

    def now(self) -> float:
        """Return the server's time in seconds since the epoch."""
        return START + self.loop.time()

    def token(self, lifetime: float | None = None, **more: Any) -> str:
        """Return a new token, which is valid until the tokens are revoked."""
        self.issued += 1
        claims = {"id": "u1", "collectionId": "c1", "type": "auth", "refreshable": True, "n": self.issued}
        claims |= {"exp": int(self.now() + (self.lifetime if lifetime is None else lifetime)), "key": self.key}
        return f"h.{encoded(claims | more)}.s"

    def revoke(self) -> None:
        """Revoke all tokens, as a change of the password does."""
        self.key += 1

    def store(self, lifetime: float | None = None) -> AuthStore:
        """Return a store with a new token."""
        store = AuthStore()
        store.save(self.token(lifetime), {"id": "u1", "collectionId": "c1"})
        return store

    def _user_of(self, token: str) -> str:
        payload = claims(token)
        is_valid = payload.get("key") == self.key and (payload.get("exp") or 1e99) > self.now()
        return str(payload.get("id", "")) if is_valid else ""

    def count(self, end: str) -> int:
        """Return how many requests had this last part of the path."""
        return sum(name == end for _, name, _ in self.requests)

    def users(self, *ends: str) -> list[str]:
        """Return the users of the requests for records, or of those with this last part of the path."""
        return [user for _, name, user in self.requests if name in (ends or ("records",))]

    async def _respond(self, request: Request) -> Response:
        await asyncio.sleep(self.latency)
        name = request.url.rpartition("/")[2]
        user = self.user_of(request.headers.get("Authorization", ""))
        self.requests.append((request.method, name, user))
        await asyncio.sleep(self.delays.get(name, 0.0))
        status = self.statuses.get(name, 200)
        if status == 0:
            raise PocketBaseConnectionError(request.url, message="refused", request_sent=False)
        response = Response(status, json={}) if status != 200 else self.answer(request, name, user)
        return (
            response.replace(headers=response.headers | {"Date": formatdate(self.now(), usegmt=True)})
            if self.has_date
            else response
        )

    def _answer(self, request: Request, name: str, user: str) -> Response:
        signed_in = {"token": self.token(), "record": {"id": "u1", "collectionId": "c1"}}
        if name == "auth-with-password":
            is_right = request.json()["password"] == self.password
            return Response(200, json=signed_in) if is_right else Response(400, json={"message": "Failed to sign in."})
        if name in ("auth-refresh", "token") and not user:
            return Response(401, json={})
        if name == "auth-refresh":
            return Response(200, json=signed_in)
        return Response(200, json={"token": "t", "id": "x", "user": user})
