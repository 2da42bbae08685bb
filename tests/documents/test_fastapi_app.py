"""The FastAPI application of the examples, with a real PocketBase."""

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio

from examples.fastapi_app import app, lifespan, prepare
from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer

Browser = httpx.AsyncClient


@pytest_asyncio.fixture(scope="module")
async def backend() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await prepare(pb)
        await pb.collection("users").create({"email": "other@example.com", "password": "password123"})
        yield server


@pytest_asyncio.fixture
async def visitors(
    backend: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Browser, Browser], None]:
    monkeypatch.setenv("POCKETBASE_URL", backend.url)
    async with lifespan(app):
        on_app = httpx.ASGITransport(app)
        # The cookie is for https only.
        async with Browser(transport=on_app, base_url="https://app") as one:
            async with Browser(transport=on_app, base_url="https://app") as other:
                yield one, other


async def sign_in(browser: Browser, name: str) -> str:
    response = await browser.post("/login", json={"email": f"{name}@example.com", "password": "password123"})
    assert response.status_code == 200
    token: str = response.json()["token"]
    return token


async def test_each_visitor_is_a_user_of_their_own(visitors: tuple[Browser, Browser]) -> None:
    one, other = visitors
    await asyncio.gather(sign_in(one, "user"), sign_in(other, "other"))
    texts = [f"note {number}" for number in range(5)]
    responses = await asyncio.gather(
        *(browser.post("/notes", json={"text": text}) for text in texts for browser in (one, other))
    )
    assert {response.status_code for response in responses} == {201}
    mine, theirs = [(await browser.get("/notes")).json() for browser in (one, other)]
    assert sorted(note["text"] for note in mine) == sorted(note["text"] for note in theirs) == texts
    assert not {note["id"] for note in mine} & {note["id"] for note in theirs}


async def test_a_bearer_token_takes_precedence_over_the_cookie(visitors: tuple[Browser, Browser]) -> None:
    one, other = visitors
    await sign_in(one, "user")
    bearer = {"Authorization": f"Bearer {await sign_in(other, 'other')}"}
    added = await one.post("/notes", json={"text": "by the bearer"}, headers=bearer)
    assert added.status_code == 201
    assert "Set-Cookie" not in added.headers, "a request with a bearer token has no session"
    assert added.json() in (await other.get("/notes")).json()
    assert added.json() not in (await one.get("/notes")).json()


async def test_a_request_without_a_valid_token_is_refused(visitors: tuple[Browser, Browser]) -> None:
    one, _ = visitors
    assert (await one.get("/notes")).json() == []
    assert (await one.post("/notes", json={"text": "x"})).status_code == 401
    for token in ("wrong", "ü", "a.b.c"):
        headers = [(b"Authorization", f"Bearer {token}".encode())]
        refused = await one.post("/notes", json={"text": "x"}, headers=headers)
        assert refused.status_code == 401, token
    assert (await one.get("/notes", headers={"Cookie": "pb_auth=%7B"})).json() == []
    wrong = await one.post("/login", json={"email": "user@example.com", "password": "wrong"})
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Failed to authenticate.")
    assert "Set-Cookie" not in wrong.headers, "a refused sign-in sets a cookie"


async def test_a_value_that_cannot_be_sent_to_the_server_is_a_400(visitors: tuple[Browser, Browser]) -> None:
    one, _ = visitors
    await sign_in(one, "user")
    refused = await one.get("/notes/%2E%2E")
    assert refused.status_code == 400
    assert "it would lead to another path" in refused.json()["message"]
    added = await one.post("/notes", json={"text": "shown"})
    assert (await one.get(f"/notes/{added.json()['id']}")).json() == added.json()


async def test_a_refusal_of_the_server_is_passed_on_and_a_sign_out_ends_the_session(
    visitors: tuple[Browser, Browser],
) -> None:
    one, _ = visitors
    await sign_in(one, "user")
    refused = await one.post("/notes", json={"text": ""})
    assert (refused.status_code, refused.json()["fields"]["text"]["message"]) == (400, "Cannot be blank.")
    assert (await one.post("/logout")).status_code == 200
    assert (await one.post("/notes", json={"text": "x"})).status_code == 401


async def test_a_server_that_is_down_is_a_502(visitors: tuple[Browser, Browser], backend: LocalServer) -> None:
    backend.kill()
    try:
        assert (await visitors[0].get("/notes")).status_code == 502
    finally:
        await backend.restart()
