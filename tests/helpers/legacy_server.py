"""A server of PocketBase 0.22, and requests in its own format."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pocketbase_core import PocketBase
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

LEGACY_VERSION = "0.22.27"


@asynccontextmanager
async def legacy_client(make_transport: Callable[[], Transport]) -> AsyncGenerator[PocketBase, None]:
    """Run a server, and return a client with an admin's token. Only its method `send` speaks the server's format."""
    async with (
        LocalServer(LEGACY_VERSION) as server,
        PocketBase(server.url, transport=make_transport()) as pb,
    ):
        email, password = server.superuser
        login: dict[str, Any] = {"identity": email, "password": password}
        answer = await pb.send("/api/admins/auth-with-password", method="POST", body=login)
        pb.auth_store.save(answer["token"], answer["admin"])
        yield pb
