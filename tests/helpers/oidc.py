"""A small OpenID Connect provider on loopback, and the browser that signs in with it."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from pocketbase_core.testing.contract.scripted_server import Connection, scripted_server

CLIENT = ("our-client", "our-secret")


@dataclass
class Provider:
    """Grants a code to whoever comes, and a token to whoever proves (PKCE) that the code was meant for them."""

    url: str = ""
    user: dict[str, object] = field(default_factory=dict[str, object])
    challenges: dict[str, str] = field(default_factory=dict[str, str])
    proved: int = 0

    def settings(self) -> dict[str, object]:
        """How PocketBase is told about it."""
        return {
            "name": "oidc",
            "displayName": "Ours",
            "clientId": CLIENT[0],
            "clientSecret": CLIENT[1],
            "authURL": f"{self.url}/authorize",
            "tokenURL": f"{self.url}/token",
            "userInfoURL": f"{self.url}/userinfo",
            "pkce": True,
        }

    def grant(self, challenge: str) -> str:
        code = secrets.token_hex(8)
        self.challenges[code] = challenge
        return code

    async def serve(self, connection: Connection) -> None:
        while True:
            request = await connection.request()
            path, _, query = request.target.partition("?")
            if path == "/authorize":
                asked = dict(parse_qsl(query))
                assert asked["code_challenge_method"] == "S256"
                assert asked["client_id"] == CLIENT[0]
                answer = {"state": asked["state"], "code": self.grant(asked["code_challenge"])}
                await connection.respond(302, b"", f"Location: {asked['redirect_uri']}?{urlencode(answer)}")
            elif path == "/token":
                await self.token(connection, dict(parse_qsl(request.body.decode())), request.headers)
            else:
                assert request.headers["authorization"] == "Bearer access"
                await connection.respond_json(json.dumps(self.user))

    async def token(self, connection: Connection, form: dict[str, str], headers: dict[str, str]) -> None:
        basic = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        known = headers.get("authorization") == basic or form.get("client_secret") == CLIENT[1]
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not known or self.challenges.pop(form.get("code", ""), None) != challenge:
            return await connection.respond_json('{"error": "invalid_grant"}', 400)
        self.proved += 1
        return await connection.respond_json('{"access_token": "access", "token_type": "Bearer"}')


@asynccontextmanager
async def provider() -> AsyncGenerator[Provider, None]:
    """The provider, running."""
    running = Provider()
    async with scripted_server(running.serve) as server:
        running.url = server.url
        yield running


async def browse(url: str) -> str:
    """Open a page as a browser would, along all redirects; the last page's address."""
    for _ in range(5):
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
        locations = [line[10:] for line in answer.split("\r\n") if line.lower().startswith("location: ")]
        if not locations:
            return url
        url = locations[0] if "://" in locations[0] else f"{parts.scheme}://{parts.netloc}/{locations[0].lstrip('./')}"
    raise AssertionError("too many redirects")
