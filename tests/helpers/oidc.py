"""An OpenID Connect provider on loopback, and the browser of a user who signs in with this provider."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from pocketbase_core import PocketBase
from pocketbase_core.testing.contract.scripted_server import Connection, scripted_server

CLIENT_CREDENTIALS = ("our-client", "our-secret")


@dataclass
class Provider:
    """A provider that grants each visitor a code, and a token to the client that proves by PKCE to own the code."""

    url: str = ""
    user: dict[str, object] = field(default_factory=dict[str, object])
    """The claims about the user who signs in next."""
    challenges: dict[str, str] = field(default_factory=dict[str, str])
    """The PKCE challenge of each code that was not used yet."""
    tokens_granted: int = 0
    """How many tokens were granted."""

    def provider_settings(self) -> dict[str, object]:
        """Return the provider in the form of PocketBase's settings of a collection."""
        return {
            "name": "oidc",
            "displayName": "Ours",
            "clientId": CLIENT_CREDENTIALS[0],
            "clientSecret": CLIENT_CREDENTIALS[1],
            "authURL": f"{self.url}/authorize",
            "tokenURL": f"{self.url}/token",
            "userInfoURL": f"{self.url}/userinfo",
            "pkce": True,
        }

    async def add_to(self, pb: PocketBase, collection: str, **oauth2: Any) -> None:
        """Let the users of a collection sign in with this provider."""
        settings = self.provider_settings()
        if pb.server_version is not None:  # PocketBase 0.22: the providers are those of all collections
            urls = {
                "authUrl": settings["authURL"],
                "tokenUrl": settings["tokenURL"],
                "userApiUrl": settings["userInfoURL"],
            }
            await pb.settings.update({"oidcAuth": {**settings, **urls, "enabled": True}})
            await pb.collections.update(collection, {"oauth2": {"enabled": True}})
        else:
            oauth2 = {"enabled": True, "providers": [settings], **oauth2}
            await pb.collections.update(collection, {"oauth2": oauth2, "authAlert": {"enabled": False}})

    def grant(self, challenge: str) -> str:
        """Return a new code for this PKCE challenge."""
        code = secrets.token_hex(8)
        self.challenges[code] = challenge
        return code

    async def serve(self, connection: Connection) -> None:
        """Serve the pages and endpoints of the provider on one connection."""
        while True:
            request = await connection.request()
            path, _, query = request.target.partition("?")
            if path == "/authorize":
                query_values = dict(parse_qsl(query))
                assert query_values["code_challenge_method"] == "S256"
                assert query_values["client_id"] == CLIENT_CREDENTIALS[0]
                redirect = {"state": query_values["state"], "code": self.grant(query_values["code_challenge"])}
                await connection.respond(302, b"", f"Location: {query_values['redirect_uri']}?{urlencode(redirect)}")
            elif path == "/token":
                await self.token(connection, dict(parse_qsl(request.body.decode())), request.headers)
            else:
                assert request.headers["authorization"] == "Bearer access"
                await connection.respond_json(json.dumps(self.user))

    async def token(self, connection: Connection, form: dict[str, str], headers: dict[str, str]) -> None:
        """Respond to a request for a token."""
        basic = "Basic " + base64.b64encode(":".join(CLIENT_CREDENTIALS).encode()).decode()
        known = headers.get("authorization") == basic or form.get("client_secret") == CLIENT_CREDENTIALS[1]
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not known or self.challenges.pop(form.get("code", ""), None) != challenge:
            return await connection.respond_json('{"error": "invalid_grant"}', 400)
        self.tokens_granted += 1
        return await connection.respond_json('{"access_token": "access", "token_type": "Bearer"}')


@asynccontextmanager
async def run_provider() -> AsyncGenerator[Provider, None]:
    """Run a provider for the length of the block."""
    running = Provider()
    async with scripted_server(running.serve) as server:
        running.url = server.url
        yield running


async def open_like_a_browser(url: str) -> str:
    """Open a page as a browser would and follow all redirects. Return the address of the last page."""
    for _ in range(5):
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        response = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
        locations = [line[10:] for line in response.split("\r\n") if line.lower().startswith("location: ")]
        if not locations:
            return url
        url = locations[0] if "://" in locations[0] else f"{parts.scheme}://{parts.netloc}/{locations[0].lstrip('./')}"
    raise AssertionError("too many redirects")
