"""What is different in the adapter on pyreqwest."""

import asyncio
import contextlib
import os
import subprocess
import sys
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pyreqwest.exceptions
import pytest
from pyreqwest.client import ClientBuilder

from pocketbase_core import PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError, Request
from pocketbase_core.errors import PocketBaseConnectionError as ConnectionFailed
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import (
    Connection,
    Script,
    answering,
    ignoring,
    responding,
    scripted_server,
    sending,
)
from pocketbase_core.transport import Exchange
from pocketbase_transports import PyreqwestTransport
from pocketbase_transports.pyreqwest import clients
from pocketbase_transports.pyreqwest.awaiting import Uncancelled
from pocketbase_transports.pyreqwest.clients import Pool
from pocketbase_transports.pyreqwest.exceptions import ERROR_MAP
from pocketbase_transports.pyreqwest.uploads import Chunk, UploadAborted

from ...helpers.waiting import until

BASES = {"PyreqwestError", "DetailedPyreqwestError"}
NEVER_SENT = {"ConnectError", "ConnectTimeoutError", "PoolTimeoutError", "BuilderError"}


def test_every_exception_of_pyreqwest_is_mapped() -> None:
    for exc_type in vars(pyreqwest.exceptions).values():
        if isinstance(exc_type, type) and issubclass(exc_type, pyreqwest.exceptions.PyreqwestError):
            mapping = next((ERROR_MAP[base] for base in exc_type.__mro__ if base in ERROR_MAP), None)
            assert (mapping is None) == (exc_type.__name__ in BASES), exc_type
            assert mapping is None or mapping.never_sent == (exc_type.__name__ in NEVER_SENT), exc_type


async def test_a_client_of_the_user_keeps_its_settings_and_stays_open() -> None:
    async with scripted_server(answering("{}")) as server:
        client = ClientBuilder().default_headers({"X-App": "mine"}).error_for_status(True).build()
        for _ in range(2):
            async with PocketBase(server.url, transport=PyreqwestTransport(client)) as pb:
                await pb.health.check()
    assert [request.headers["x-app"] for request in server.requests] == ["mine"] * 2


async def test_a_client_that_the_user_has_closed_is_a_runtime_error() -> None:
    client = ClientBuilder().build()
    await client.close()
    async with scripted_server(ignoring) as server:
        with pytest.raises(RuntimeError, match="the client is closed"):
            await PyreqwestTransport(client).send(Request("POST", server.url, body={}))


async def test_a_client_that_raises_for_a_status_returns_the_response() -> None:
    client = ClientBuilder().error_for_status(True).build()
    async with scripted_server(responding(404, b"gone")) as server:
        response = await PyreqwestTransport(client).send(Request("GET", server.url, timeout=5))
    assert (response.status_code, response.content) == (404, b"gone")


@pytest.mark.parametrize("trust_env", [True, False])
async def test_the_proxies_of_the_environment_are_used_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, trust_env: bool
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with scripted_server(answering("{}")) as proxy, scripted_server(answering("{}")) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        transport = PyreqwestTransport(trust_env=trust_env)
        await transport.send(Request("GET", server.url, timeout=5))
        await transport.aclose()
    assert (len(proxy.requests), len(server.requests)) == ((1, 0) if trust_env else (0, 1))


async def test_headers_that_are_not_ascii_are_left_out() -> None:
    head = "HTTP/1.1 200 OK\r\nX-A: é\r\nX-B: b\r\nX-B: c\r\nContent-Length: 2\r\n\r\n{}"
    async with scripted_server(sending(head.encode())) as server:
        response = await PyreqwestTransport().send(Request("GET", server.url, timeout=5))
    assert response.content == b"{}"
    assert dict(response.headers) == {"x-b": "b, c", "content-length": "2"}


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_content_length_of_many_digits_allocates_nothing(method: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n")

    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=PyreqwestTransport(), middleware=[], max_response_bytes=None)
        if method == "HEAD":
            assert await pb.send("/x", method="HEAD") is None
        else:
            with pytest.raises(PocketBaseConnectionError):
                await pb.send("/x")


async def test_a_cancelled_upload_of_unknown_length_never_looks_complete() -> None:
    received, begun = bytearray(), asyncio.Event()

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"first"
        await asyncio.Event().wait()

    async def script(connection: Connection) -> None:
        await connection.head()
        with contextlib.suppress(EOFError):
            while data := await connection.reader.read(1000):
                received.extend(data)
                begun.set()
        ended.set()

    ended = asyncio.Event()
    async with scripted_server(script) as server:
        pb = PocketBase(server.url, transport=PyreqwestTransport(), middleware=[])
        headers = {"Content-Type": "application/octet-stream"}
        task = asyncio.create_task(pb.send("/x", method="POST", body=chunks(), headers=headers))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        await asyncio.wait_for(ended.wait(), 5)
    assert received == b"5\r\nfirst\r\n", "the last chunk, of size 0, would end the body"


async def test_a_cancelled_request_keeps_its_connection_no_longer_than_its_timeout() -> None:
    closed = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.closed_by_client()
        closed.set()

    async with scripted_server(script) as server:
        transport = PyreqwestTransport()
        task = asyncio.create_task(transport.send(Request("POST", server.url, body={}, timeout=1)))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.wait_for(closed.wait(), 5)


async def read_stream(transport: Transport, url: str, opened: asyncio.Event) -> None:
    async with transport.stream(Request("GET", url, timeout=20)) as response:
        chunks = aiter(response.aiter_bytes())
        await anext(chunks)
        opened.set()
        await anext(chunks)


async def read_events(transport: Transport, url: str, opened: asyncio.Event) -> None:
    async with transport.events(Request("GET", url)) as events:
        await anext(events)
        opened.set()
        await anext(events)


@pytest.mark.parametrize("read", [read_stream, read_events])
async def test_closing_the_transport_ends_open_responses_with_an_error(read: Callable[..., Any]) -> None:
    opened, closed = asyncio.Event(), asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.chunk(b"data:1\n\n")
        await connection.closed_by_client()
        closed.set()

    transport = PyreqwestTransport()
    async with scripted_server(script) as server:
        task = asyncio.create_task(read(transport, server.url, opened))
        await opened.wait()
        await transport.aclose()
        with pytest.raises(ConnectionFailed, match="the transport was closed"):
            await task
        await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize(("method", "body"), [("POST", {"a": 1}), ("POST", None), ("GET", None)])
async def test_a_timeout_after_the_headers_says_that_the_request_was_sent(method: str, body: Any) -> None:
    async def begin(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await connection.closed_by_client()

    outcomes: list[bool | None] = []
    scripts: list[Script] = [begin, ignoring]
    for script in scripts:
        async with scripted_server(script) as server:
            with pytest.raises(PocketBaseTimeoutError, match=r"^no response within 0\.3 s") as caught:
                await PyreqwestTransport().send(Request(method, server.url, body=body, timeout=0.3))
        outcomes.append(caught.value.request_sent)
    assert outcomes == [True, None]


FORK = """
import asyncio, os, sys
from pyreqwest.client import ClientBuilder
from pocketbase_core import Request
from pocketbase_transports import PyreqwestTransport

async def send(transport):
    return (await transport.send(Request("GET", sys.argv[1], timeout=5))).status_code

def fork(run):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            run()
        except BaseException as error:
            print(type(error).__name__, error)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)

own, handed = PyreqwestTransport(), PyreqwestTransport(ClientBuilder().no_proxy().build())

def grandchild():
    print("grandchild", asyncio.run(send(own)))

def child():
    print("child", asyncio.run(send(own)))
    fork(grandchild)

print("parent", asyncio.run(send(own)), asyncio.run(send(handed)))
fork(lambda: asyncio.run(send(handed)))
fork(child)
print("parent", asyncio.run(send(own)), asyncio.run(send(handed)))
"""


async def test_what_cannot_be_used_after_a_fork_raises_an_error() -> None:
    async with scripted_server(answering("{}")) as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "ignore", "-c", FORK, server.url],
            capture_output=True,
            text=True,
            timeout=30,
        )
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert lines[0] == lines[-1] == "parent 200 200"
    assert lines[1].startswith("RuntimeError a client of pyreqwest cannot be used after a fork")
    assert lines[2] == "child 200"
    assert lines[3].startswith("RuntimeError A pyreqwest runtime was initialized before fork()")


PROGRAM = """
import asyncio, sys
from pocketbase_core import PocketBase
from pocketbase_transports import PyreqwestTransport

async def main():
    async with PocketBase(sys.argv[1], transport=PyreqwestTransport()) as pb:
        await asyncio.gather(*(pb.send("/x") for _ in range(20)))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_program_ends_without_an_abort_on_a_busy_machine() -> None:
    """Without the pause before the end of the process, about one program in twenty is aborted."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        async with scripted_server(answering("{}")) as server:
            for _ in range(60):
                process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, server.url)
                assert await process.wait() == 0
    finally:
        for each in busy:
            each.kill()
            each.wait()


@types.coroutine
def steps(*yielded: object) -> Generator[Any, None, str]:
    """A coroutine of the library: it yields futures, or None for a turn of the loop."""
    yield from yielded
    return "result"


async def cancelled(*yielded: object) -> tuple[Uncancelled[str], list[str]]:
    """Return an awaitable whose caller was cancelled, and the list of its late results."""
    late = list[str]()
    awaitable: Uncancelled[str] = Uncancelled(steps(*yielded), set(), late.append)

    async def wait() -> None:
        await awaitable

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert awaitable.is_late
    return awaitable, late


async def test_a_coroutine_whose_caller_was_cancelled_goes_on_over_turns_of_the_loop() -> None:
    _, late = await cancelled(asyncio.get_running_loop().create_future(), None, None)
    await until(lambda: late == ["result"])


async def test_a_result_that_is_there_when_a_coroutine_is_ended_is_handed_to_its_callback() -> None:
    loop = asyncio.get_running_loop()
    awaitable, late = await cancelled(loop.create_future(), second := loop.create_future())
    await asyncio.sleep(0)
    awaitable.end()
    second.set_result(None)
    await asyncio.sleep(0)  # the turn in which the coroutine would go on
    assert late == ["result"]


async def test_a_request_that_waits_for_a_connection_of_a_transport_that_is_closed_is_an_error() -> None:
    async with scripted_server(ignoring) as server:
        transport = PyreqwestTransport(max_connections=1)
        first, second = (asyncio.create_task(transport.send(Request("GET", server.url, timeout=60))) for _ in range(2))
        await until(lambda: server.open_connections)
        await transport.aclose()
        first.cancel()
        with pytest.raises(RuntimeError, match="the transport is closed"):
            await second
        await asyncio.gather(first, return_exceptions=True)


async def test_a_stream_of_a_transport_that_is_closed_ends_with_an_error() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    async with scripted_server(sending(head)) as server:
        transport = PyreqwestTransport()
        async with transport.stream(Request("GET", server.url, timeout=5)) as response:
            chunks = response.aiter_bytes()
            assert await anext(chunks) == b"abc"
            await transport.aclose()
            with pytest.raises(PocketBaseConnectionError):
                await anext(chunks)


async def test_what_a_forked_child_inherits_is_neither_used_nor_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ClientBuilder().build()
    transport, own = PyreqwestTransport(client), Pool(client, None)
    references = sys.getrefcount(client)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="cannot be used after a fork"):
        await transport.send(Request("GET", "http://h"))
    assert getattr(clients, "_take_transports")(own) == ()
    assert sys.getrefcount(client) == references + 1


def test_a_client_is_built_on_the_other_runtime_if_the_first_one_is_from_before_a_fork() -> None:
    class Builder:
        def __init__(self) -> None:
            self.is_multithreaded = False

        def runtime_multithreaded(self, value: bool) -> "Builder":
            self.is_multithreaded = value
            return self

        def build(self) -> str:
            if not self.is_multithreaded:
                raise RuntimeError("a runtime was initialized before fork()")
            return "client"

    make_builder: Any = Builder
    client: object = getattr(clients, "_build")(make_builder)
    assert client == "client"


async def test_a_small_body_is_read_once_and_never_after_its_call_has_ended() -> None:
    exchange = Exchange(Request("POST", "http://h", body={}), ERROR_MAP)
    body = Chunk(b"{}", exchange)
    assert [*body] == [b"{}"]
    assert exchange.request_sent is None
    aborted = Chunk(b"{}", exchange)
    aborted.abort()
    with pytest.raises(UploadAborted):
        next(aborted)
