"""Limits: all connections are in use, by requests or by event streams, or no more files can be opened."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseTimeoutError, Request
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract.scripted_server import scripted_server
from pocketbase_transports import AiohttpTransport, HttpxTransport

from ..helpers.limited_pool import close_session, limited_transport, serve_json_or_events


async def listen(stack: AsyncExitStack, transport: Transport, url: str) -> None:
    events = await stack.enter_async_context(transport.events(Request("GET", f"{url}/events", timeout=20)))
    assert (await anext(events)).data == "1"


async def test_event_streams_take_no_connection_from_requests(transport: Transport) -> None:
    async with scripted_server(serve_json_or_events) as server, AsyncExitStack() as stack:
        await asyncio.gather(*(listen(stack, transport, server.url) for _ in range(120)))
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=5)
        assert await asyncio.gather(*(pb.send("/x") for _ in range(50))) == [{}] * 50
        assert server.connections <= 170, "one for each stream, and one for each request"


@pytest.mark.parametrize("is_handed", [True, False])
async def test_a_timeout_in_the_pool_says_that_no_connection_was_free(library: str, is_handed: bool) -> None:
    transport, session = limited_transport(library, is_handed=is_handed)
    async with scripted_server(serve_json_or_events) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=0.15)
        body = {"file": FileUpload(("a.txt", b"x"))}
        busy = [asyncio.create_task(pb.send("/never", timeout=60)) for _ in range(2)]
        while len(server.requests) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(
            PocketBaseTimeoutError, match=r"no connection was free: all (2 )?of the pool are in use;"
        ) as e:
            await pb.collection("posts").create(body)
        assert e.value.request_sent is False, "the upload never left"
        with pytest.raises(PocketBaseTimeoutError, match="no connection was free") as e:
            await pb.send("/x")
        assert e.value.request_sent is False, "the request never left"
        with pytest.raises(PocketBaseTimeoutError, match="no connection was free"):
            async with pb.files.stream("a", "b", "c"):
                pass
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        if library != "pyreqwest" or not is_handed:  # the user's client counts cancelled requests until their timeout
            assert await pb.send("/x", timeout=5) == {}
    await transport.aclose()
    await close_session(session)


async def test_a_pool_timeout_names_the_event_streams_that_hold_all_connections(library: str) -> None:
    transport, session = limited_transport(library, is_handed=True)
    async with scripted_server(serve_json_or_events) as server:
        async with AsyncExitStack() as stack:
            await listen(stack, transport, server.url)
            await listen(stack, transport, server.url)
            pb = PocketBase(server.url, transport=transport, middleware=[], timeout=0.3)
            with pytest.raises(PocketBaseTimeoutError, match=r"2 of them by streams of events; give the c.* higher "):
                await pb.send("/x")
        assert await pb.send("/x", timeout=5) == {}
    await close_session(session)


async def test_a_timeout_of_the_httpx_pool_itself_says_that_no_connection_was_free() -> None:
    for module in (httpx, httpx2):
        library: Any = module
        limits, timeout = library.Limits(max_connections=1), library.Timeout(None, pool=0.1)
        async with (
            scripted_server(serve_json_or_events) as server,
            library.AsyncClient(limits=limits, timeout=timeout) as client,
        ):
            pb = PocketBase(server.url, transport=HttpxTransport(client), middleware=[], timeout=60)
            busy = asyncio.create_task(pb.send("/never"))
            while not server.requests:
                await asyncio.sleep(0.01)
            with pytest.raises(PocketBaseTimeoutError, match="no connection was free") as caught:
                await pb.send("/x")
            assert caught.value.request_sent is False, "the request never left"
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)


async def test_a_missing_response_is_not_reported_as_a_pool_timeout(transport: Transport) -> None:
    async with scripted_server(serve_json_or_events) as server:
        with pytest.raises(PocketBaseTimeoutError, match=r"no response within 0\.2 s") as caught:
            await transport.send(Request("GET", f"{server.url}/never", timeout=0.2))
    assert caught.value.request_sent is None, "the request may have arrived"


OUT_OF_FILES = """
import asyncio, os, resource, sys
from pocketbase_core import PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError
from tests.helpers.transports import MAKERS

async def main():
    async with PocketBase(sys.argv[1], transport=MAKERS[sys.argv[2]](), middleware=[]) as pb:
        await pb.send("/x")
        os.close(lowest_free := os.dup(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 4, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        # A connection that is in use until the end cannot be taken over by a request that waits for one of its own.
        sending = [pb.send("/never", method="POST", timeout=0.5) for _ in range(20)]
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        errors = [each for each in outcomes if not isinstance(each, PocketBaseTimeoutError)]
        assert errors
        assert {type(each) for each in errors} == {PocketBaseConnectionError}, errors
        assert {each.request_sent for each in errors} == {False}
        assert all("too many open files" in str(each) and "ulimit -n" in str(each) for each in errors)
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        assert await pb.send("/x", method="POST") == {}

asyncio.run(main())
"""


async def test_too_many_open_files_are_an_error_that_names_them(library: str) -> None:
    async with scripted_server(serve_json_or_events) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OUT_OF_FILES, server.url, library, stderr=subprocess.PIPE
        )
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def test_a_connector_that_a_function_made_keeps_its_limit() -> None:
    transport = AiohttpTransport(connector=lambda: aiohttp.TCPConnector(limit=1))
    async with scripted_server(serve_json_or_events) as server, AsyncExitStack() as stack:
        await listen(stack, transport, server.url)
        assert (await transport.send(Request("GET", f"{server.url}/x", timeout=5))).status_code == 200
        with pytest.raises(PocketBaseTimeoutError, match="no connection was free: all of the pool are"):
            async with transport.events(Request("GET", f"{server.url}/events", timeout=0.3)):
                pass
    await transport.aclose()


async def test_a_timeout_names_the_event_streams_that_are_being_opened(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketbase_transports.aiohttp.sessions.MAX_OPENING_STREAMS", 1)
    monkeypatch.setattr("pocketbase_transports.httpx.sessions.MAX_OPENING_STREAMS", 1)
    monkeypatch.setattr("pocketbase_transports.pyreqwest.clients.MAX_OPENING_STREAMS", 1)
    transport = make_transport()

    async def listen_for_ever(url: str) -> None:
        async with transport.events(Request("GET", f"{url}/never", timeout=60)):
            pass

    async with scripted_server(serve_json_or_events) as server:
        first = asyncio.create_task(listen_for_ever(server.url))
        while not server.requests:
            await asyncio.sleep(0.01)
        with pytest.raises(PocketBaseTimeoutError, match="streams of events are being opened already"):
            async with transport.events(Request("GET", f"{server.url}/events", timeout=0.3)):
                pass
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        async with AsyncExitStack() as stack:
            await listen(stack, transport, server.url)
            await listen(stack, transport, server.url)
    await transport.aclose()


async def test_an_httpx_transport_keeps_its_limits_for_event_streams_too() -> None:
    limits = httpx2.Limits(max_connections=2)
    transport = HttpxTransport(transport=httpx2.AsyncHTTPTransport(limits=limits))
    async with scripted_server(serve_json_or_events) as server:
        async with AsyncExitStack() as stack:
            await listen(stack, transport, server.url)
            await listen(stack, transport, server.url)
            with pytest.raises(PocketBaseTimeoutError, match="2 of them by streams of events"):
                await transport.send(Request("GET", f"{server.url}/x", timeout=0.3))
        assert (await transport.send(Request("GET", f"{server.url}/x", timeout=5))).status_code == 200
    await transport.aclose()


async def test_httpx_keeps_as_many_idle_connections_as_its_limits_say() -> None:
    limits = httpx2.Limits(max_connections=12, max_keepalive_connections=7)
    transport = HttpxTransport(limits=limits)
    async with scripted_server(serve_json_or_events) as server:
        for _ in range(3):
            request = Request("GET", f"{server.url}/x", timeout=5)
            await asyncio.gather(*(transport.send(request) for _ in range(12)))
        assert len(server.requests) == 36, "all requests arrived"
        async with asyncio.timeout(5):
            while len(server.open_connections) > 7:
                await asyncio.sleep(0.01)
    await transport.aclose()


async def test_a_connection_is_used_again_after_an_upload(transport: Transport) -> None:
    async with scripted_server(serve_json_or_events) as server:
        posts = PocketBase(server.url, transport=transport, middleware=[], timeout=10).collection("posts")
        for _ in range(3):
            await posts.create({"file": FileUpload(("big.bin", bytes(1_000_000)))})
            await posts.create({"text": "x"})
            await posts.get_one("abc")
    assert len(server.requests) == 9
    assert server.connections == 1, "the upload cost a connection of its own"
