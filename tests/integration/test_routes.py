"""Each route of the server's API is covered by a method."""

from collections.abc import AsyncGenerator

import pytest_asyncio

from pocketbase_core import PocketBaseError, PocketBaseInputError, Request, Response
from pocketbase_core.middleware import Handler
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.oidc import run_provider
from ..helpers.routes import ROUTES
from ..helpers.shared_collections import FIELDS, IS_LEGACY, VERSION, client_of

# Routes that respond with 404 because the id or file does not exist.
MISSING = ("/api/files/posts/", "/api/logs/abc")
# Parts of the routes that PocketBase 0.22 does not have.
NEWER = (
    *("/truncate", "/meta/", "otp", "/impersonate/", "/api/batch", "/api/crons", "/api/sql"),
    "DELETE /api/logs",
)


@pytest_asyncio.fixture(scope="module")
async def routes_server() -> AsyncGenerator[LocalServer, None]:
    async with run_provider() as oidc, LocalServer(VERSION) as server:
        async with client_of(server.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await pb.collections.create({"name": "posts", "type": "base", "fields": FIELDS})
            await oidc.add_to(pb, "users")
        yield server


async def test_every_route_of_the_server_exists_and_is_covered(
    routes_server: LocalServer, transport: Transport
) -> None:
    seen: list[tuple[str, int]] = []

    async def record(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        seen.append((f"{request.method} {request.url.removeprefix(routes_server.url)}", response.status_code))
        return response

    pb = client_of(routes_server.url, transport=transport, middleware=[record])
    await pb.admins.auth.with_password(*routes_server.superuser)
    me = (pb.auth_store.record or {})["id"]
    for route, call in ROUTES:
        seen.clear()
        is_newer = any(part in route for part in NEWER)
        try:
            await call(pb)
        except PocketBaseInputError as error:
            assert IS_LEGACY, error
            assert is_newer, error
            continue
        except PocketBaseError as error:
            assert error.status != 405, "the server does not know this method"
            no_route = error.message in ("File not found.", "The requested resource wasn't found.")
            assert not no_route or any(part in route for part in MISSING), (route, error)
        assert route.replace("ME", me) in [each for each, _ in seen], (route, seen)
    await pb.collections.delete("more")
