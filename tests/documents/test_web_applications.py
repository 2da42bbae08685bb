"""The web applications of the how-to page answer whatever a visitor sends, with a real PocketBase behind them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import Request

from pocketbase_core import AuthStore, PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import create_shared_collections
from .test_manuals import files

REFUSED = ["/titles?text=%5C", "/titles?text=a%00b", "/posts/%2E%2E", "/posts/%2E", "/posts/..%5C", "/posts/%00"]
"""Paths that a visitor may send, and that cannot be sent on to PocketBase, or lead to nothing there."""
HEADERS = [b"\xff", "ü".encode(), b"a\x01b", b'["a"]', b"Bearer a.b.c", b"long" * 1250]
"""Authorization headers that no server has granted."""


@pytest_asyncio.fixture(scope="module")
async def backend() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer() as server, PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await create_shared_collections(pb)
        await pb.collection("posts").create({"id": "abcdefghijklmno", "title": "Hello"})
        yield server


def namespace_of(number: int, url: str) -> dict[str, Any]:
    """Run an application of the page, and return its names."""
    code = files("app.py")[number]
    namespace: dict[str, Any] = {"__name__": "app"}
    exec(compile(code.replace("http://127.0.0.1:8090", url), "app.py", "exec"), namespace)
    return namespace


async def list_with_header(pb: PocketBase, header: str) -> Any:
    """Pass a visitor's header on, once as an option and once as the token of a client for the visitor."""
    await pb.collection("posts").get_list(1, 1, headers={"Authorization": header})
    store = AuthStore()
    store.save(header, None)
    async with pb.with_auth_store(store) as own:
        return await own.collection("posts").get_list(1, 1)


@asynccontextmanager
async def on_aiohttp(url: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    names = namespace_of(0, url)

    async def passed_on(request: web.Request) -> web.Response:
        return web.json_response(await list_with_header(request.app[names["POCKETBASE"]], request.headers["X-Token"]))

    app: web.Application = names["app"]
    app.router.add_get("/passed-on", passed_on)
    async with TestServer(app) as server, httpx.AsyncClient(base_url=str(server.make_url("/"))) as visitor:
        yield visitor


@asynccontextmanager
async def on_fastapi(url: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    app = namespace_of(1, url)["app"]

    async def passed_on(request: Request) -> Any:
        return await list_with_header(request.app.state.pb, request.headers["X-Token"])

    app.add_api_route("/passed-on", passed_on)
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as visitor:
            yield visitor


APPLICATIONS = pytest.mark.parametrize("application", [on_aiohttp, on_fastapi])


@APPLICATIONS
async def test_a_path_that_cannot_be_sent_on_is_refused(application: Any, backend: LocalServer) -> None:
    async with application(backend.url) as visitor:
        assert (await visitor.get("/titles?text=ell")).json() == ["Hello"]
        assert (await visitor.get("/posts/abcdefghijklmno")).json()["title"] == "Hello"
        assert (await visitor.get("/posts/missing")).status_code == 404
        for path in REFUSED:
            response = await visitor.get(path)
            assert response.status_code in (400, 404), path
            assert response.json()["message"], path
        for path in REFUSED[:4]:
            assert (await visitor.get(path)).status_code == 400, path


@APPLICATIONS
async def test_a_header_that_cannot_be_sent_on_is_refused(application: Any, backend: LocalServer) -> None:
    async with application(backend.url) as visitor:
        for header in HEADERS:
            status = (await visitor.get("/passed-on", headers={b"X-Token": header})).status_code
            is_sendable = header.isascii() and header.decode().isprintable()
            assert status == 400 if not is_sendable else status < 500, header


async def test_a_header_with_a_line_feed_is_refused_where_the_server_lets_it_through(backend: LocalServer) -> None:
    async with on_fastapi(backend.url) as visitor:
        assert (await visitor.get("/passed-on", headers={b"X-Token": b"a\r\nX: b"})).status_code == 400


@APPLICATIONS
async def test_a_cookie_of_another_shape_is_that_of_a_guest(application: Any, backend: LocalServer) -> None:
    async with application(backend.url) as visitor:
        for cookie in (b"pb_auth=[1]", b"pb_auth=%5B%22a%22%5D", b"pb_auth=\xff", b"pb_auth=%00", b"=;;"):
            assert (await visitor.get("/titles", headers={b"Cookie": cookie})).json() == ["Hello"], cookie


@APPLICATIONS
async def test_an_outage_is_a_502(application: Any) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    async with application(url) as visitor:
        assert (await visitor.get("/titles")).status_code == 502
