"""Connectors of aiohttp, each of which belongs to one event loop."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from pocketbase_core import Request
from pocketbase_core.testing.contract.scripted_server import ScriptedServer, answering, scripted_server, streaming
from pocketbase_transports import AiohttpTransport

from ..helpers.certificates import trusting_context


async def fetch_status(transport: AiohttpTransport, url: str) -> int:
    try:
        return (await transport.send(Request("GET", url, timeout=5))).status_code
    finally:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AiohttpTransport(ssl=trusting_context()),
        lambda: AiohttpTransport(connector=lambda: aiohttp.TCPConnector(ssl=trusting_context())),
    ],
    ids=["options", "function"],
)
async def test_a_transport_with_certificates_can_be_made_without_an_event_loop(
    tls_server: ScriptedServer, make: Callable[[], AiohttpTransport]
) -> None:
    transport = await asyncio.to_thread(make)  # a thread without a loop, like a module that is imported
    url = f"https://127.0.0.1:{tls_server.port}/"
    assert await fetch_status(transport, url) == 200
    for _ in range(2):
        assert await asyncio.to_thread(asyncio.run, fetch_status(transport, url)) == 200
    assert await fetch_status(transport, url) == 200, "on the loop of the test again"
    await transport.aclose()


async def test_a_connector_of_one_loop_is_refused_on_another_with_a_hint() -> None:
    async with scripted_server(answering("{}")) as server:
        transport = AiohttpTransport(connector=aiohttp.TCPConnector(limit=1))
        assert await fetch_status(transport, server.url) == 200
        with pytest.raises(RuntimeError, match="to use several loops, pass its options, or a function that makes one"):
            await asyncio.to_thread(asyncio.run, fetch_status(transport, server.url))
        assert await fetch_status(transport, server.url) == 200
        await transport.aclose()


async def test_a_given_connector_serves_event_streams_too() -> None:
    async with scripted_server(streaming(b"data:1\n\n")) as server:
        connector = aiohttp.TCPConnector(limit=1)
        transport = AiohttpTransport(connector=connector)
        async with transport.events(Request("GET", server.url, timeout=5)) as events:
            assert [event.data async for event in events] == ["1"]
        await transport.aclose()
        assert connector.closed, "the transport owns the connector"


async def test_a_unix_socket_and_options_of_the_connector_are_accepted(tmp_path: Path) -> None:
    async def respond(request: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    path = str(tmp_path / "socket")
    await web.UnixSite(runner, path).start()
    transport = AiohttpTransport(path=path, limit=3, force_close=True, headers={"X-App": "mine"})
    assert await fetch_status(transport, "http://any/") == 200
    await transport.aclose()
    await runner.cleanup()
