"""Transports with few connections, and the server that keeps them busy."""

from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import httpx2
from pyreqwest.client import Client, ClientBuilder

from pocketbase_core.testing.contract.scripted_server import Connection
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport


async def serve_json_or_events(connection: Connection) -> None:
    """Respond with `{}`; to `/events` with a stream that does not end, and to `/never` not at all."""
    while True:
        request = await connection.request()
        if request.target == "/events":
            await connection.start_stream()
            await connection.chunk(b"data:1\n\n")
        elif request.target != "/never":
            await connection.respond_json("{}")


def limited_transport(library: str, *, is_handed: bool, connections: int = 2) -> tuple[Any, Any]:
    """Make a transport with so many connections. Return the transport, and the session that was handed in, or None."""
    if library == "aiohttp":
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) if is_handed else None
        return (AiohttpTransport(session) if session else AiohttpTransport(limit=connections)), session
    if library == "pyreqwest":
        if not is_handed:
            return PyreqwestTransport(max_connections=connections), None
        wait = timedelta(seconds=0.1)  # a client of pyreqwest does not say otherwise that a request waits in its pool
        client = ClientBuilder().no_proxy().max_connections(connections).pool_timeout(wait).build()
        return PyreqwestTransport(client), client
    module: Any = httpx if library == "httpx" else httpx2
    limits = module.Limits(max_connections=connections)
    if is_handed or library == "httpx":
        client = module.AsyncClient(limits=limits, timeout=None)
        return HttpxTransport(client), client
    return HttpxTransport(limits=limits), None


async def close_session(session: Any) -> None:
    """Close the session that `limited_transport` has returned."""
    if session is not None:
        await (session.close() if isinstance(session, aiohttp.ClientSession | Client) else session.aclose())
