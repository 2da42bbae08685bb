"""What is different in each adapter."""

import asyncio
import gzip
import inspect
import select
import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from aioresponses import aioresponses

import pocketbase_transports
from pocketbase_core import FileUpload, PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError, Request, Response
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import (
    Connection,
    answering,
    ignoring,
    responding,
    scripted_server,
)
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport
from pocketbase_transports.aiohttp.exceptions import ERROR_MAP
from pocketbase_transports.httpx.early_responses import find_connection
from pocketbase_transports.httpx.exceptions import error_map
from pocketbase_transports.httpx.trailing_data import close_on_trailing_data, warn_of_missing_path


def exceptions(module: object, base: type[Exception]) -> list[type[Exception]]:
    names: dict[str, object] = vars(module)
    return [exc_type for exc_type in names.values() if isinstance(exc_type, type) and issubclass(exc_type, base)]


NEVER_SENT_AIOHTTP = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientConnectorSSLError",
    "ClientConnectorCertificateError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "UnixClientConnectorError",
    "ConnectionTimeoutError",
    "ServerFingerprintMismatch",
    "ClientHttpProxyError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
}


def find_mapping(table: Any, exc_type: type[Exception]) -> Any:
    return next(table[each] for each in exc_type.__mro__ if each in table)


def test_every_exception_of_aiohttp_is_mapped() -> None:
    for exc_type in exceptions(aiohttp, aiohttp.ClientError):
        assert find_mapping(ERROR_MAP, exc_type).never_sent == (exc_type.__name__ in NEVER_SENT_AIOHTTP), exc_type


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_every_exception_of_httpx_is_mapped(library: Any) -> None:
    never_sent = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
    for exc_type in exceptions(library, library.HTTPError):
        assert find_mapping(error_map(library), exc_type).never_sent == (exc_type.__name__ in never_sent), exc_type
    assert find_mapping(error_map(library), library.InvalidURL).never_sent


async def test_a_session_of_the_user_keeps_its_settings_and_stays_open() -> None:
    async with scripted_server(answering("{}")) as server:
        sessions: list[tuple[Any, Any]] = [
            (aiohttp.ClientSession(headers={"X-App": "mine"}), AiohttpTransport),
            (httpx.AsyncClient(headers={"X-App": "mine"}, follow_redirects=True), HttpxTransport),
            (httpx2.AsyncClient(headers={"X-App": "mine"}, base_url="http://elsewhere.example"), HttpxTransport),
        ]
        for session, transport in sessions:
            async with PocketBase(server.url, transport=transport(session)) as pb:
                await pb.health.check()
            assert not (session.closed if isinstance(session, aiohttp.ClientSession) else session.is_closed)
            await (session.close() if isinstance(session, aiohttp.ClientSession) else session.aclose())
    assert [request.headers["x-app"] for request in server.requests] == ["mine"] * 3


async def test_the_accept_encoding_of_a_session_of_the_user_is_replaced() -> None:
    async with scripted_server(answering("{}")) as server:
        headers = {"Accept-Encoding": "br"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            httpx.AsyncClient(headers=headers) as client,
            httpx2.AsyncClient(headers=headers) as client2,
        ):
            for transport in (AiohttpTransport(session), HttpxTransport(client), HttpxTransport(client2)):
                await transport.send(Request("GET", server.url, timeout=5))
    assert [request.headers["accept-encoding"] for request in server.requests] == ["gzip, deflate"] * 3


async def test_a_trace_of_a_session_sees_each_body() -> None:
    seen: list[bytes] = []

    async def watch(session: object, context: object, params: aiohttp.TraceResponseChunkReceivedParams) -> None:
        seen.append(params.chunk)

    def traced() -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_response_chunk_received.append(watch)
        return config

    async with scripted_server(answering("{}")) as server, aiohttp.ClientSession(trace_configs=[traced()]) as session:
        for transport in (AiohttpTransport(session), AiohttpTransport(trace_configs=[traced()])):
            async with PocketBase(server.url, transport=transport) as pb:
                await pb.health.check()
    assert seen == [b"{}", b"{}"]


async def test_a_middleware_of_a_session_sees_each_request() -> None:
    seen: list[str] = []

    async def watch(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.method)
        await (await handler(request)).read()  # as a middleware that sends the request again does
        return await handler(request)

    async with scripted_server(answering("{}")) as server, aiohttp.ClientSession(middlewares=[watch]) as session:
        for transport in (AiohttpTransport(session), AiohttpTransport(middlewares=[watch])):
            async with PocketBase(server.url, transport=transport) as pb:
                await pb.health.check()
    assert seen == ["GET", "GET"]
    assert len(server.requests) == 4, "each was sent twice by the middleware"


async def test_a_session_of_the_user_ignores_a_response_that_came_before_its_request() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.respond_json("1")
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n9")
        sent.set()
        await connection.closed_by_client()

    sent = asyncio.Event()
    async with scripted_server(script) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        for _ in range(2):
            assert (await transport.send(Request("GET", server.url, timeout=5))).content == b"1"
            await sent.wait()
            sent.clear()
            await asyncio.sleep(0.01)  # until the client has received it
    assert server.connections == 2, "a connection with unsolicited data is not used again"


async def test_a_server_that_sends_before_the_request_causes_a_connection_error() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n9")
        await connection.closed_by_client()

    async def wait(session: object, context: object, params: object) -> None:
        await asyncio.sleep(0.001)  # until the client has received it

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(wait)
    async with scripted_server(script) as server:
        async with PocketBase(server.url, transport=AiohttpTransport(trace_configs=[config]), middleware=[]) as pb:
            with pytest.raises(PocketBaseConnectionError, match="the server sends data before") as caught:
                await pb.collection("posts").create({})
    assert caught.value.request_sent is False
    assert server.requests == []


async def test_a_new_connection_that_ends_raises_an_error_without_a_second_attempt() -> None:
    async def hang_up(connection: Connection) -> None:
        connection.writer.close()

    async def wait(session: object, context: object, params: object) -> None:
        await asyncio.sleep(0.001)  # until the client has seen the end

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(wait)
    async with scripted_server(hang_up) as server:
        async with PocketBase(server.url, transport=AiohttpTransport(trace_configs=[config]), middleware=[]) as pb:
            with pytest.raises(PocketBaseConnectionError):
                await pb.collection("posts").create({})
        assert server.connections == 1, "there is no second attempt"


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_body_that_a_hook_of_the_client_has_read_is_returned(library: Any) -> None:
    async def hook(response: Any) -> None:
        await response.aread()

    content = gzip.compress(b'{"code": 200}')
    for headers in ([], ["Content-Encoding: gzip"]):
        script = responding(200, content if headers else b'{"code": 200}', *headers)
        async with scripted_server(script) as server, library.AsyncClient(event_hooks={"response": [hook]}) as client:
            pb = PocketBase(server.url, transport=HttpxTransport(client))
            assert await pb.health.check() == {"code": 200}
            async with pb.files.stream("a", "b", "c") as response:
                assert b"".join([chunk async for chunk in response.aiter_bytes()]) == b'{"code": 200}'


async def test_a_body_that_a_trace_of_the_session_has_read_is_returned() -> None:
    async def trace(session: object, context: object, params: aiohttp.TraceRequestEndParams) -> None:
        await params.response.read()

    config = aiohttp.TraceConfig()
    config.on_request_end.append(trace)
    script = responding(200, gzip.compress(b'{"code": 200}'), "Content-Encoding: gzip")
    async with scripted_server(script) as server, aiohttp.ClientSession(trace_configs=[config]) as session:
        assert await PocketBase(server.url, transport=AiohttpTransport(session)).health.check() == {"code": 200}


def limited(library: str) -> Transport:
    """Return a transport with one connection."""
    if library == "aiohttp":
        return AiohttpTransport(connector=aiohttp.TCPConnector(limit=1))
    if library == "pyreqwest":
        return PyreqwestTransport(max_connections=1)
    module: Any = {"httpx": httpx, "httpx2": httpx2}[library]
    return HttpxTransport(module.AsyncClient(limits=module.Limits(max_connections=1), timeout=None))


async def test_an_upload_that_times_out_in_a_full_pool_says_so(library: str) -> None:
    async with scripted_server(ignoring) as server:
        pb = PocketBase(server.url, transport=limited(library), middleware=[])
        first = asyncio.create_task(pb.collection("posts").create({"f": FileUpload(("a", b"x"))}))
        while not server.connections:
            await asyncio.sleep(0.001)
        with pytest.raises(
            PocketBaseTimeoutError, match=r"no connection was free: all (1 )?of the pool are in use"
        ) as caught:
            await pb.collection("posts").create({"f": FileUpload(("b", b"x"))}, timeout=0.1)
        assert caught.value.request_sent is False
        first.cancel()
        await asyncio.wait([first])
        await pb.aclose()


async def test_consecutive_requests_use_one_connection(transport: Transport) -> None:
    async with scripted_server(answering("{}")) as server:
        for _ in range(5):
            await transport.send(Request("GET", f"{server.url}/"))
    assert server.connections == 1


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_the_parameters_of_a_client_are_added_to_those_of_the_request(library: Any) -> None:
    async with scripted_server(answering("{}")) as server, library.AsyncClient(params={"app": "1"}) as client:
        await PocketBase(server.url, transport=HttpxTransport(client)).send("/x?a=1", params={"filter": "b = 'ü;&'"})
    query = server.requests[0].target.partition("?")[2]
    assert sorted(httpx.QueryParams(query).multi_items()) == [("a", "1"), ("app", "1"), ("filter", "b = 'ü;&'")]


def test_options_beside_a_client_raise_a_type_error() -> None:
    with pytest.raises(TypeError, match="options cannot be combined with a client"):
        HttpxTransport(httpx2.AsyncClient(), timeout=3)
    wrong: Any = object()
    with pytest.raises(TypeError, match="AsyncClient of httpx or httpx2"):
        HttpxTransport(wrong)


@pytest.mark.parametrize("make", [AiohttpTransport, HttpxTransport, PyreqwestTransport])
async def test_a_request_through_a_closed_transport_raises_a_runtime_error(make: Any) -> None:
    transport: Transport = make()
    await transport.aclose()
    await transport.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.send(Request("GET", "http://127.0.0.1:9/"))


async def test_aioresponses_can_replace_the_server() -> None:
    class PatchedResponse(aiohttp.ClientResponse):
        """aioresponses 0.7.9 does not pass an argument that aiohttp 3.14 requires."""

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **({"stream_writer": SimpleNamespace(output_size=0)} | keywords))

    with aioresponses() as mocked:
        untyped: Any = mocked
        untyped.get("http://h/api/health", payload={"code": 200}, response_class=PatchedResponse)
        async with PocketBase("http://h", transport=AiohttpTransport()) as pb:
            assert await pb.health.check() == {"code": 200}


def test_a_response_can_be_created_from_json() -> None:
    assert Response(200, json={"a": 1}).json() == {"a": 1}


async def test_a_session_is_closed_on_its_own_loop_by_a_caller_on_another(transport: Transport) -> None:
    """The other loop runs in another thread."""
    other_loop, ready = asyncio.new_event_loop(), threading.Event()
    other_loop.call_soon(ready.set)
    thread = threading.Thread(target=other_loop.run_forever)
    thread.start()
    ready.wait()
    async with scripted_server(answering("{}")) as server:
        sending = asyncio.run_coroutine_threadsafe(transport.send(Request("GET", f"{server.url}/")), other_loop)
        assert (await asyncio.wrap_future(sending)).status_code == 200
        await transport.aclose()
    remaining = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_other_tasks(), other_loop))
    other_loop.call_soon_threadsafe(other_loop.stop)
    thread.join()
    other_loop.close()
    assert remaining == 0, "the session is closed without a task left"


async def test_closing_does_not_wait_for_a_loop_that_is_stopped(transport: Transport) -> None:
    other_loop = asyncio.new_event_loop()
    async with scripted_server(answering("{}")) as server:
        await asyncio.to_thread(other_loop.run_until_complete, transport.send(Request("GET", f"{server.url}/")))
        await transport.aclose()
    await asyncio.to_thread(other_loop.run_until_complete, _closing())
    other_loop.close()


async def _closing() -> None:
    await asyncio.sleep(0)
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)


async def _other_tasks() -> int:
    return len(asyncio.all_tasks()) - 1


HTTP1_EXTENSIONS: dict[str, Any] = {"network_stream": object(), "http_version": b"HTTP/1.1"}


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_connection_of_httpcore_that_cannot_be_checked_is_logged_once(
    library: Any, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_missing_path.cache_clear()
    for _ in range(2):
        close_on_trailing_data(library.Response(200, extensions=HTTP1_EXTENSIONS))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pocketbase_core", "WARNING")
    assert "may be taken for the next response" in record.getMessage()


@pytest.mark.parametrize("extensions", [{}, HTTP1_EXTENSIONS | {"http_version": b"HTTP/2"}])
def test_a_response_of_another_transport_or_of_http_2_is_not_logged(
    extensions: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_missing_path.cache_clear()
    close_on_trailing_data(httpx2.Response(200, extensions=extensions))
    assert caplog.records == []


async def test_this_version_of_httpcore_has_connections_that_can_be_checked(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_missing_path.cache_clear()
    async with scripted_server(answering("{}")) as server:
        await transport.send(Request("GET", server.url, timeout=5))
    assert not [record for record in caplog.records if record.name == "pocketbase_core"]


def test_the_package_has_no_other_transports() -> None:
    assert not hasattr(pocketbase_transports, "CurlTransport")


def test_a_transport_imports_the_reader_of_events_before_any_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "httpx_sse", raising=False)
    HttpxTransport(httpx.AsyncClient())
    assert "httpx_sse" in sys.modules, "an import within a stream could be interrupted by a fork"
    monkeypatch.setitem(sys.modules, "httpx_sse", None)
    HttpxTransport(httpx.AsyncClient())  # requests work without the reader


def test_httpx2_is_preferred_to_httpx() -> None:
    assert HttpxTransport()._library is httpx2  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_large_body_is_sent_through_a_mock_transport_of_httpx(library: Any) -> None:
    async def respond(request: Any) -> Any:
        return library.Response(200, json={"size": len(await request.aread())})

    async with library.AsyncClient(transport=library.MockTransport(respond)) as client:
        pb = PocketBase("http://h", transport=HttpxTransport(client))
        assert (await pb.send("/x", method="POST", body={"a": "x" * 100_000}))["size"] > 100_000


def test_only_a_connection_of_http_1_is_found() -> None:
    def _send_request_body(self: object) -> object:
        return find_connection(inspect.currentframe())

    assert _send_request_body(object()) is None
    h1 = SimpleNamespace(_h11_state=None)
    assert _send_request_body(h1) is h1


@pytest.mark.parametrize("system", ["with poll", "without poll"])
async def test_data_that_the_loop_has_not_read_is_not_taken_for_a_response(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if system == "without poll":  # as on Windows
        monkeypatch.delattr(select, "poll")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server_socket:
        server_socket.settimeout(5)
        connections: list[socket.socket] = []

        def serve(body: bytes) -> None:
            connections.append(server_socket.accept()[0])
            connections[-1].recv(65536)
            connections[-1].sendall(head + body)

        transport = AiohttpTransport()
        request = Request("GET", f"http://127.0.0.1:{server_socket.getsockname()[1]}/", timeout=5)
        serving = asyncio.create_task(asyncio.to_thread(serve, b"1"))
        assert (await transport.send(request)).content == b"1"
        await serving
        serving = asyncio.create_task(asyncio.to_thread(serve, b"2"))
        await asyncio.sleep(0)  # the thread waits for another connection now
        connections[0].sendall(head + b"9")  # the loop has no turn before the next request is sent
        assert (await transport.send(request)).content == b"2"
        await serving
        await transport.aclose()
        for connection in connections:
            connection.close()
