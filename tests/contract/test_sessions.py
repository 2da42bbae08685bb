"""Sessions and clients that an application hands in, and those that a transport opens."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from pyreqwest.client import ClientBuilder

from pocketbase_core import AuthStore, FileUpload, PocketBase, PocketBaseError, Request
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import (
    Connection,
    ScriptedServer,
    answering,
    ignoring,
    scripted_server,
)
from pocketbase_transports import AiohttpTransport, HttpxTransport, PyreqwestTransport

SESSIONS: dict[str, Any] = {
    "aiohttp": aiohttp.ClientSession,
    "httpx": httpx.AsyncClient,
    "httpx2": httpx2.AsyncClient,
}
COOKIE = "Set-Cookie: session=of-the-last-visitor; Path=/"


async def setting_cookies(connection: Connection) -> None:
    while True:
        request = await connection.request()
        if request.target.startswith("/events"):
            content_type = "Content-Type: text/event-stream"
            await connection.respond(200, b"data:1\n\n", COOKIE, content_type)
        else:
            await connection.respond(413 if request.target == "/413" else 200, b"{}", COOKIE)


with_a_jar = pytest.mark.parametrize("library", list(SESSIONS))
"""Without pyreqwest, whose clients cannot be changed: the application builds one without a cookie store."""


@contextlib.asynccontextmanager
async def session_of(library: str, **options: Any) -> AsyncGenerator[Any, None]:
    """Open a session of an application. By default, aiohttp's cookie jar ignores the cookies of IP addresses."""
    if library == "pyreqwest":
        async with ClientBuilder().build() as client:
            yield client
        return
    if library == "aiohttp":
        options = {"cookie_jar": aiohttp.CookieJar(unsafe=True)} | options
    async with SESSIONS[library](**options) as session:
        yield session


def handed(library: str, session: Any) -> Any:
    transports: dict[str, Any] = {"aiohttp": AiohttpTransport, "pyreqwest": PyreqwestTransport}
    return transports.get(library, HttpxTransport)(session)


async def ask_by_itself(session: Any, url: str) -> None:
    """Send a request of the application, not of the client."""
    response = await session.get(url)
    await response.read() if isinstance(session, aiohttp.ClientSession) else await response.aread()


def cookies_in(session: Any) -> list[str]:
    jar: Any = session.cookie_jar if isinstance(session, aiohttp.ClientSession) else session.cookies.jar
    return [cookie.key if isinstance(session, aiohttp.ClientSession) else cookie.name for cookie in jar]


async def use_everything(transport: Transport, server: ScriptedServer) -> None:
    pb = PocketBase(server.url, transport=transport)
    for _ in range(2):
        await pb.send("/x", method="POST", body={})
        await pb.collection("posts").create({"file": FileUpload(("a.txt", b"x"))})
        with pytest.raises(PocketBaseError):
            await pb.send("/413")
        async with pb.files.stream("a", "b", "c") as streamed:
            assert [chunk async for chunk in streamed.aiter_bytes()] == [b"{}"]
        async with transport.events(Request("GET", f"{server.url}/events")) as events:
            assert [event.data async for event in events] == ["1"]


@with_a_jar
async def test_no_cookie_goes_from_one_visitor_to_the_next(library: str) -> None:
    async with scripted_server(setting_cookies) as server, session_of(library) as session:
        await use_everything(handed(library, session), server)
        assert cookies_in(session) == [], "the jar kept a cookie of ours"
        assert not any("cookie" in request.headers for request in server.requests), (
            "a cookie of an earlier response was sent"
        )

        await ask_by_itself(session, f"{server.url}/mine")
        assert cookies_in(session) == ["session"], "the application's own requests use the jar"
        before = len(server.requests)
        await use_everything(handed(library, session), server)
        assert not any("cookie" in request.headers for request in server.requests[before:]), (
            "a cookie of the application was sent"
        )

        await ask_by_itself(session, f"{server.url}/mine")
        assert server.requests[-1].headers["cookie"] == "session=of-the-last-visitor", (
            "the application's cookie is gone"
        )
        assert cookies_in(session) == ["session"]


async def test_a_transport_keeps_no_cookie_in_its_own_session(transport: Transport) -> None:
    async with scripted_server(setting_cookies) as server:
        await use_everything(transport, server)
    assert not any("cookie" in request.headers for request in server.requests)


@with_a_jar
async def test_cookies_of_the_application_stay_out_of_concurrent_requests(library: str) -> None:
    async with scripted_server(setting_cookies) as server, session_of(library) as session:
        pb = PocketBase(server.url, transport=handed(library, session))
        for _ in range(3):
            ours = [pb.send(f"/ours/{number}") for number in range(20)]
            theirs = [ask_by_itself(session, f"{server.url}/mine") for _ in range(20)]
            await asyncio.gather(*ours, *theirs)
    seen = {"cookie" in request.headers for request in server.requests if request.target.startswith("/ours")}
    assert seen == {False}, "a cookie of the application was sent"
    assert any("cookie" in request.headers for request in server.requests), "the application's requests sent no cookie"


@with_a_jar
async def test_a_cookie_header_of_the_caller_is_sent(library: str) -> None:
    async def middleware(request: Request, call_next: Callable[[Request], Any]) -> Any:
        return await call_next(request.with_header("Cookie", "c=3"))

    async with (
        scripted_server(setting_cookies) as server,
        session_of(library) as session,
        session_of(library, headers={"Cookie": "app=1"}) as of_the_application,
    ):
        await ask_by_itself(session, f"{server.url}/mine")
        await ask_by_itself(of_the_application, f"{server.url}/mine")
        transport = handed(library, session)
        await PocketBase(server.url, transport=transport).send("/x", headers={"Cookie": "a=1; b=2"})
        await PocketBase(server.url, transport=transport, middleware=[middleware]).send("/x")
        await PocketBase(server.url, transport=handed(library, of_the_application)).send("/x")
    assert [request.headers["cookie"] for request in server.requests[2:]] == ["a=1; b=2", "c=3", "app=1"]


async def test_a_closed_session_is_a_runtime_error(library: str) -> None:
    async with session_of(library) as session:
        transport = handed(library, session)
    async with scripted_server(ignoring) as server:  # pyreqwest sends the request nevertheless, and forgets it
        with pytest.raises(RuntimeError, match="closed"):
            await transport.send(Request("GET", server.url))


@pytest.mark.parametrize("is_handed", [True, False])
async def test_no_password_of_a_netrc_file_is_sent(
    library: str, is_handed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login somebody password else\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    signed_in = AuthStore()
    signed_in.save("of-the-user")
    async with scripted_server(answering("{}")) as server, session_of(library, trust_env=True) as session:
        own: dict[str, Any] = {
            "aiohttp": lambda: AiohttpTransport(trust_env=True),
            "httpx": lambda: HttpxTransport(httpx.AsyncClient(trust_env=True)),
            "httpx2": lambda: HttpxTransport(trust_env=True),
            "pyreqwest": lambda: PyreqwestTransport(trust_env=True),
        }
        async with PocketBase(server.url, transport=handed(library, session) if is_handed else own[library]()) as pb:
            await pb.send("/x")
            await pb.with_auth_store(signed_in).send("/x")
            async with pb.files.stream("a", "b", "c"):
                pass
    assert [request.headers.get("authorization") for request in server.requests] == [None, "of-the-user", None]


def refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        make()


async def test_a_session_that_signs_in_by_itself_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # aiohttp deprecates the option
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("app", "secret"))
    refused(lambda: AiohttpTransport(session), "holds the user's token")
    await session.close()
    for library in (httpx, httpx2):
        client: Any = library.AsyncClient(auth=("app", "secret"))
        with pytest.raises(TypeError, match="holds the user's token"):
            HttpxTransport(client)
        await client.aclose()


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_auth_that_is_set_on_an_httpx_client_later_is_not_sent(library: Any) -> None:
    async with scripted_server(answering("{}")) as server, library.AsyncClient() as client:
        pb = PocketBase(server.url, transport=HttpxTransport(client))
        client.auth = ("app", "secret")
        await pb.send("/x")
    assert "authorization" not in server.requests[0].headers, "httpx added its own"


@pytest.mark.parametrize("transport", [AiohttpTransport, HttpxTransport])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("cookies", "keeps no cookies"),
        ("auth", "holds the user's token"),
        ("verfy", "unknown option 'verfy'; did you mean 'verify"),
    ],
)
def test_an_unsupported_option_is_refused_at_once(transport: Any, option: str, words: str) -> None:
    refused(lambda: transport(**{option: {}}), words)


async def test_an_object_that_is_no_session_is_refused_at_once() -> None:
    client: Any = httpx.AsyncClient()
    refused(
        lambda: AiohttpTransport(client), r"expected an aiohttp\.ClientSession, not AsyncClient; use HttpxTransport"
    )
    async with session_of("aiohttp") as session:
        other: Any = session
        refused(
            lambda: HttpxTransport(other),
            "not ClientSession; use AiohttpTransport",
        )
    refused(lambda: AiohttpTransport(loop=None), "for each event loop")
    refused(lambda: AiohttpTransport(connector=object()), "connector must be a connector of aiohttp, or a function")
    refused(
        lambda: AiohttpTransport(connector=aiohttp.TCPConnector, limit=3), "limit cannot be combined with connector="
    )
