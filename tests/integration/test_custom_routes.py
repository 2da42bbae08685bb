"""Custom routes of a real server: raw bodies, and responses that are not JSON."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from pocketbase_core import FileUpload, PocketBase, PocketBaseDecodeError, PocketBaseNotFoundError
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import IS_LEGACY, VERSION
from .conftest import MakeClient

pytestmark = pytest.mark.both_faces

CSV = {"Content-Type": "text/csv"}
ECHO = """
routerAdd("POST", "/echo", (e) => {
  e.response.header().set("X-Type", e.request.header.get("Content-Type"))
  e.response.header().set("X-Length", String(e.request.contentLength))
  return e.blob(200, "text/csv", toString(e.request.body))
})
"""
LEGACY_ECHO = """
routerAdd("POST", "/echo", (c) => {
  c.response().header().set("X-Type", c.request().header.get("Content-Type"))
  c.response().header().set("X-Length", String(c.request().contentLength))
  return c.blob(200, "text/csv", readerToString(c.request().body))
})
routerAdd("HEAD", "/report", (c) => c.noContent(200))
"""
"""The hooks of PocketBase 0.22, where a route for GET has none for HEAD."""
REPORTS = """
routerAdd("GET", "/report", (e) => e.string(200, "a,ü\\n1,2\\n"))
routerAdd("GET", "/nothing", (e) => e.noContent(204))
routerAdd("GET", "/missing", (e) => { throw new NotFoundError("There is no such report.") })
"""


@pytest_asyncio.fixture(scope="module")
async def routes() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer(VERSION, hooks=(LEGACY_ECHO if IS_LEGACY else ECHO) + REPORTS) as running:
        yield running


@pytest_asyncio.fixture
async def pb(routes: LocalServer, transport: Transport, make_client: MakeClient) -> AsyncGenerator[PocketBase, None]:
    async with make_client(routes.url, transport=transport) as client:
        yield client


async def lines() -> AsyncGenerator[bytes, None]:
    for number in range(1000):
        yield f"{number},ü\n".encode()


async def test_raw_bodies_arrive_as_they_are(pb: PocketBase, tmp_path: Path) -> None:
    content = b"".join([line async for line in lines()])
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    for body, length in (
        (content, len(content)),
        (content.decode(), len(content)),
        (FileUpload(path), len(content)),
        (lines(), -1),
        (b"", 0),
    ):
        response = await pb.send_raw("/echo", method="POST", body=body, headers=CSV)
        assert response.content == (content if length else b"")
        assert (response.headers["X-Type"], response.headers["X-Length"]) == ("text/csv", str(length))


async def test_binary_bodies_arrive_as_they_are(pb: PocketBase) -> None:
    content = bytes(range(256)) * 100
    async with pb.stream("/echo", method="POST", body=content, headers={"Content-Type": "a/b"}) as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == content
        assert response.headers["X-Type"] == "a/b"


async def test_a_route_may_return_anything(pb: PocketBase) -> None:
    with pytest.raises(PocketBaseDecodeError, match="send_raw returns any body"):
        await pb.send("/report")
    assert (await pb.send_raw("/report")).text == "a,ü\n1,2\n"
    head = await pb.send_raw("/report", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert (await pb.send_raw("/nothing")).status_code == 204
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await pb.send_raw("/missing")
    assert caught.value.data == {"status": 404, "message": "There is no such report.", "data": {}}
