"""The guestbook in `examples/aiohttp_app`: entries are changed and deleted by their authors, and by nobody else."""

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from pocketbase_core import PocketBase, PocketBaseBadRequestError, PocketBaseNotFoundError
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from .test_aiohttp_app import PNG, Client, next_event, start, status_and_json

CLEO, DAN = ({"name": name, "password": "password123"} for name in ("Cleo", "Dan"))
REFUSED = "This entry is gone, or you are not signed in as its author."


@pytest_asyncio.fixture
async def cleo(server: LocalServer) -> AsyncGenerator[Client, None]:
    async with start(server) as client:
        assert (await status_and_json(await client.post("/session", data=CLEO)))[0] == 200
        yield client


@pytest_asyncio.fixture
async def dan(server: LocalServer) -> AsyncGenerator[Client, None]:
    async with start(server) as client:
        assert (await status_and_json(await client.post("/session", data=DAN)))[0] == 200
        yield client


async def write(client: Client, message: str) -> dict[str, Any]:
    form = aiohttp.FormData({"message": message, "description": "the view"})
    form.add_field("image", PNG, filename="a.png", content_type="image/png")
    status, entry = await status_and_json(await client.post("/entries", data=form))
    assert status == 201
    return dict(entry)


async def is_shown(client: Client, entry: dict[str, Any]) -> bool:
    return entry in (await status_and_json(await client.get("/entries/1")))[1]["entries"]


async def test_authors_change_and_delete_their_entries_and_the_others_hear_of_it(cleo: Client, dan: Client) -> None:
    entry = await write(cleo, "hello")
    assert (entry["edited"], entry["description"]) == (False, "the view")
    path = f"/entries/{entry['id']}"
    async with await dan.get("/events") as events:
        status, changed = await status_and_json(
            await cleo.patch(path, data={"message": "bye", "description": "a hill"})
        )
        assert (status, changed) == (200, entry | {"message": "bye", "description": "a hill", "edited": True})
        assert await next_event(events) == ("update", changed)

        status, changed = await status_and_json(await cleo.patch(path, data={"message": "bye", "without_image": "on"}))
        assert (status, changed["image"], changed["description"]) == (200, "", "")
        assert await next_event(events) == ("update", changed)

        status, refused = await status_and_json(await cleo.patch(path, data={"message": " "}))
        assert (status, refused["fields"]) == (400, {"message": "Cannot be blank."})

        assert await status_and_json(await cleo.delete(path)) == (200, {})
        event, deleted = await next_event(events)
        assert (event, deleted["id"]) == ("delete", entry["id"])
        assert await status_and_json(await cleo.delete(path)) == (404, {"message": REFUSED, "fields": {}})


async def test_nobody_changes_or_deletes_the_entry_of_another(cleo: Client, dan: Client, server: LocalServer) -> None:
    entry = await write(cleo, "Cleo's own")
    path, forged = f"/entries/{entry['id']}", {"message": "Dan's", "author": entry["author"]}

    async def refused(client: Client, status: int, **options: Any) -> None:
        for method in ("PATCH", "DELETE"):
            response = await client.request(method, path, data=forged, **options)
            assert (await status_and_json(response))[0] == status

    await refused(dan, 404)
    cookies, jar = dan.session.cookie_jar.filter_cookies(dan.make_url("/")), dan.session.cookie_jar
    token = cookies["pb_auth"].value
    record = (await status_and_json(await dan.get("/session")))[1]["id"]
    assert record in token
    jar.update_cookies({"pb_auth": token.replace(record, entry["author"])}, dan.make_url("/"))
    await refused(dan, 404)  # the record in the cookie is forged, the token is Dan's
    jar.clear()
    await refused(dan, 401)
    await refused(cleo, 403, headers={"Sec-Fetch-Site": "cross-site"})
    assert await is_shown(cleo, entry)


async def test_the_rules_of_the_collection_hold_without_the_application(
    cleo: Client, dan: Client, server: LocalServer
) -> None:
    entry = await write(cleo, "Cleo's own")
    async with PocketBase(server.url, transport=AiohttpTransport()) as pb:
        entries, visitors = pb.collection("guestbook_entries"), pb.collection("guestbook_visitors")
        for name, password in ((None, None), DAN.values()):  # a guest, and Dan
            if name and password:
                await visitors.auth.with_password(name, password)
            with pytest.raises(PocketBaseNotFoundError):
                await entries.update(entry["id"], {"message": "taken"})
            with pytest.raises(PocketBaseNotFoundError):
                await entries.delete(entry["id"])
            with pytest.raises(PocketBaseBadRequestError):
                await entries.create({"message": "in Cleo's name", "author": entry["author"]})
        dan_id = (pb.auth_store.record or {})["id"]
        await visitors.auth.with_password(CLEO["name"], CLEO["password"])
        with pytest.raises(PocketBaseNotFoundError):  # not even Cleo makes her entry Dan's
            await entries.update(entry["id"], {"message": "mine", "author": dan_id})
    assert await is_shown(cleo, entry)
