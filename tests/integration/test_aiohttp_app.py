"""The guestbook in `examples/aiohttp_app`, without a browser."""

import asyncio
import io
import json
import logging
import os
import socket
import struct
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from examples.aiohttp_app import create_app
from examples.aiohttp_app.browsers import WAITING, Browsers
from examples.aiohttp_app.entries import POCKETBASE, image
from pocketbase_core import Headers, PocketBase, Request, Response
from pocketbase_core.testing import LocalServer
from pocketbase_core.transport import StreamingResponse
from pocketbase_transports import MockTransport

ROOT = Path(__file__).parents[2]
Client = TestClient[Any, Any]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100_000)
ANN = {"name": "Ann", "password": "password123"}
GUEST = {"id": None, "name": None}


def start(server: LocalServer) -> Client:
    jar = aiohttp.CookieJar(unsafe=True)  # like a browser, the jar keeps the cookies of an IP address
    return TestClient(TestServer(create_app(server.url, *server.superuser)), cookie_jar=jar)


@pytest_asyncio.fixture
async def guestbook(server: LocalServer) -> AsyncGenerator[Client, None]:
    async with start(server) as client:
        yield client


async def status_and_json(response: aiohttp.ClientResponse) -> tuple[int, Any]:
    async with response:
        return response.status, await response.json()


async def next_event(events: aiohttp.ClientResponse) -> tuple[str, Any]:
    async with asyncio.timeout(10):
        lines = (await events.content.readuntil(b"\n\n")).decode().splitlines()
    return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))


async def test_what_one_visitor_writes_is_sent_to_the_others(guestbook: Client) -> None:
    async with await guestbook.get("/") as page:
        policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert await status_and_json(await guestbook.get("/session")) == (200, GUEST)
    async with await guestbook.post("/session", data=ANN) as response:
        ann = await response.json()
        assert (response.status, ann["name"]) == (200, "Ann")
        cookie = response.headers["Set-Cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert await status_and_json(await guestbook.get("/session")) == (200, ann)

    async with await guestbook.get("/events") as events:
        form = aiohttp.FormData({"message": "<b>hello</b>"})
        form.add_field("image", PNG, filename="../a picture.png", content_type="image/png")
        status, entry = await status_and_json(await guestbook.post("/entries", data=form))
        assert (status, entry["name"], entry["message"]) == (201, "Ann", "<b>hello</b>")
        assert entry["author"] == ann["id"]
        assert await next_event(events) == ("create", entry)
    assert (await status_and_json(await guestbook.get("/entries/1")))[1]["entries"][0] == entry
    async with await guestbook.get(entry["image"]) as image:
        assert (image.status, image.content_type, await image.read()) == (200, "image/png", PNG)

    assert await status_and_json(await guestbook.delete("/session")) == (200, GUEST)
    assert await status_and_json(await guestbook.get("/session")) == (200, GUEST)


async def test_a_refused_entry_is_explained(guestbook: Client) -> None:
    async def post(path: str, **data: str) -> tuple[int, str]:
        status, body = await status_and_json(await guestbook.post(path, data=data))
        return status, body["message"]

    assert await post("/entries", message="hello") == (401, "Please sign in first.")
    assert (await status_and_json(await guestbook.post("/session", data=ANN | {"name": "Ben"})))[0] == 200
    assert await post("/session", name="Ben", password="password124") == (
        400,
        "This name is taken, and the password is wrong.",
    )
    assert await post("/entries", message="  ") == (400, "Message: Cannot be blank.")
    large = aiohttp.FormData({"message": "hello"})
    large.add_field("image", io.BytesIO(bytes(7 * 1024 * 1024)), filename="large.png")
    status, body = await status_and_json(await guestbook.post("/entries", data=large))
    assert (status, body["message"]) == (413, "The request is too large. A picture may have up to 5 MB.")
    text = aiohttp.FormData({"message": "hello"})
    text.add_field("image", b"no picture", filename="notes.txt")
    status, body = await status_and_json(await guestbook.post("/entries", data=text))
    assert status == 400
    assert body["message"].startswith("Image: ")
    assert "must be one of: image/jpeg, image/png" in body["message"]
    ben = guestbook.session.cookie_jar.filter_cookies(guestbook.make_url("/"))["pb_auth"].value
    guestbook.session.cookie_jar.update_cookies(
        {"pb_auth": ben.replace("%22%2C", "AAAA%22%2C", 1)}, guestbook.make_url("/")
    )
    assert await post("/entries", message="hello") == (401, "Please sign in again to post.")
    assert await status_and_json(await guestbook.get("/session")) == (200, GUEST)
    assert await status_and_json(
        await guestbook.post("/session", data=ANN, headers={"Sec-Fetch-Site": "cross-site"})
    ) == (
        403,
        {"message": "The request came from another site.", "fields": {}},
    )


async def test_a_file_name_that_cannot_be_sent_on_is_refused(guestbook: Client) -> None:
    assert (await status_and_json(await guestbook.post("/session", data=ANN)))[0] == 200
    part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a\xff.png"\r\n\r\nany\r\n--x--\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    status, body = await status_and_json(await guestbook.post("/entries", data=part, headers=form))
    assert status == 400
    assert "is not valid Unicode text" in body["message"]


async def test_the_guestbook_goes_on_after_an_outage_of_the_server() -> None:
    async with LocalServer() as own, start(own) as guestbook:
        assert (await status_and_json(await guestbook.post("/session", data=ANN)))[0] == 200
        async with await guestbook.get("/events") as events:
            own.kill()
            status, body = await status_and_json(await guestbook.post("/entries", data={"message": "lost?"}))
            assert status == 503
            assert "try again" in body["message"]
            await own.restart()
            assert await next_event(events) == ("reload", None)
            status, entry = await status_and_json(await guestbook.post("/entries", data={"message": "back"}))
            assert status == 201
            assert await next_event(events) == ("create", entry)


async def test_the_end_of_the_application_ends_all_streams(
    server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    guestbook = start(server)
    await guestbook.start_server()
    url = guestbook.make_url("/events")
    streams = [await asyncio.open_connection(url.host, url.port) for _ in range(50)]
    for reader, writer in streams:
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10):  # aiohttp would wait for a minute
            await guestbook.close()
    for reader, writer in streams:
        assert await reader.read() == b"0\r\n\r\n", "the stream has a clean end"
        writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("path", ["/events", "/images/x/a.png"])
@pytest.mark.parametrize("reset", [False, True])
async def test_a_tab_that_is_closed_is_no_error(path: str, reset: bool, caplog: pytest.LogCaptureFixture) -> None:
    browsers, started, gone, done = Browsers(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def content() -> AsyncGenerator[bytes, None]:
        yield b"first"
        started.set()
        await gone.wait()
        yield b"second"

    class Streaming(MockTransport):
        @asynccontextmanager
        async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
            yield StreamingResponse(200, Headers(), content())

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        assert request.transport is not None
        transports.append(request.transport)
        try:
            return await handler(request)
        finally:
            done.set()

    transports: list[asyncio.Transport] = []
    app = web.Application(middlewares=[watched])
    app[POCKETBASE] = PocketBase("http://h", transport=Streaming(lambda _: Response(500)))
    app.router.add_get("/events", browsers.stream)
    app.router.add_get(r"/images/{id}/{name}", image)
    runner = web.AppRunner(app)  # a TestServer would cancel the handlers, which other servers do not
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*runner.addresses[0])
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            if reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()
            while not transports[0].is_closing():
                await asyncio.sleep(0)
            gone.set()
            browsers.send("create", 1)
            await done.wait()
            await runner.cleanup()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_browser_that_falls_behind_is_told_to_reload() -> None:
    browsers = Browsers()
    app = web.Application()
    app.router.add_get("/events", browsers.stream)
    async with TestClient(TestServer(app)) as client, await client.get("/events") as events:
        for number in range(WAITING + 1):
            browsers.send("create", number)
        browsers.send("create", "after it")
        assert await next_event(events) == ("reload", None)
        assert await next_event(events) == ("create", "after it")
        browsers.close()
        assert await events.content.read() == b"", "the stream did not end"


async def test_the_guestbook_runs_in_a_clone_and_ends_without_complaints() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "examples.aiohttp_app", "--port", "0"),
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            url = (await process.stdout.readuntil(b" ====")).split()[3].decode()
            async with session.get(f"{url}/events") as events:
                process.terminate()
                assert await events.content.read() == b""
        _, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b""), "the application complained at its end"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
