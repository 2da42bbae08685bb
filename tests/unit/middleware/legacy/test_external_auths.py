"""The links to accounts of OAuth2 providers on PocketBase 0.22."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError, Request, Response
from pocketbase_core.middleware.legacy.external_auths import list_links, unlink, view_link

from ....helpers.tokens import legacy_token

API = "http://h/api"
USER = {"Authorization": legacy_token("authRecord", collectionId="users", id="u1")}
ADMIN = {"Authorization": legacy_token("admin", id="a1")}
LINK = {"id": "x", "created": "c", "collectionId": "users", "recordId": "u1", "provider": "google", "providerId": "7"}
OTHER = {**LINK, "provider": "oidc"}


def asking(text: str = 'recordRef = "u1"', page: str = "1", **headers: str) -> Request:
    return Request("GET", f"{API}/collections/_externalAuths/records", {"filter": text, "page": page}, headers)


async def listed(request: Request, responses: dict[str, Response]) -> tuple[Any, list[str]]:
    seen: list[str] = []

    async def send(request: Request) -> Response:
        path = request.url.removeprefix(API)
        seen.append(path)
        return responses[path]

    response = await list_links(request, API, send)
    return (response.json() if response.status_code == 200 else response.status_code), seen


async def test_a_user_sees_the_links_of_the_own_record() -> None:
    path = "/collections/users/records/u1/external-auths"
    page, seen = await listed(asking(**USER), {path: Response(200, json=[LINK])})
    assert seen == [path]
    assert page["items"] == [
        {
            "id": "users.u1.google",
            "collectionId": "_externalAuths",
            "collectionName": "_externalAuths",
            "created": "c",
            "collectionRef": "users",
            "recordRef": "u1",
            "provider": "google",
            "providerId": "7",
        }
    ]
    assert (page["page"], page["perPage"], page["totalItems"], page["totalPages"]) == (1, 1, 1, 1)


async def test_a_superuser_finds_the_record_in_any_auth_collection() -> None:
    responses = {
        "/collections": Response(200, json={"items": [{"id": "clients"}, {"id": "users"}]}),
        "/collections/clients/records/u1/external-auths": Response(404),
        "/collections/users/records/u1/external-auths": Response(200, json=[LINK, OTHER]),
    }
    page, seen = await listed(asking('recordRef = "u1" && provider = "oidc"', **ADMIN), responses)
    assert [each["provider"] for each in page["items"]] == ["oidc"]
    assert seen == [*responses]


async def test_there_is_one_page_only() -> None:
    path = "/collections/users/records/u1/external-auths"
    page, _ = await listed(asking(page="2", **USER), {path: Response(200, json=[LINK])})
    assert (page["page"], page["items"]) == (2, [])


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_the_page_is_empty_if_the_links_may_not_be_seen(status: int) -> None:
    path = "/collections/users/records/u1/external-auths"
    page, _ = await listed(asking(**USER), {path: Response(status)})
    assert page["items"] == []
    page, _ = await listed(asking(), {"/collections": Response(status)})
    assert page["items"] == []


async def test_a_failure_of_the_server_is_the_outcome() -> None:
    path = "/collections/users/records/u1/external-auths"
    assert (await listed(asking(**USER), {path: Response(503)}))[0] == 503
    assert (await listed(asking(), {"/collections": Response(503)}))[0] == 503


@pytest.mark.parametrize("text", ["", 'provider = "google"', 'recordRef = "u1" || 1 = 1', 'recordRef = "../x"'])
async def test_any_other_list_is_refused(text: str) -> None:
    with pytest.raises(PocketBaseInputError, match="a list of external auths other than those of one record"):
        await listed(asking(text), {})


def of_link(link_id: str) -> Request:
    return Request("DELETE", f"{API}/collections/_externalAuths/records/{link_id}?a=b")


async def never(request: Request) -> Response:
    raise AssertionError(request)


async def test_a_link_is_removed_by_its_provider() -> None:
    sent = await unlink(of_link("users.u1.google"), API, never)
    assert sent.url == f"{API}/collections/users/records/u1/external-auths/google"
    for link_id in ("x", "a.b.c.d", "..%2F.x.y", "a.b."):
        for call in (unlink, view_link):
            with pytest.raises(PocketBaseInputError, match="of an external auth"):
                await call(of_link(link_id), API, never)


@pytest.mark.parametrize(("links", "status"), [([OTHER, LINK], 200), ([OTHER], 404), ([], 404), (None, 403)])
async def test_a_link_is_looked_up_among_those_of_its_record(links: list[Any] | None, status: int) -> None:
    async def send(request: Request) -> Response:
        assert request.url == f"{API}/collections/users/records/u1/external-auths"
        return Response(403) if links is None else Response(200, json=links)

    response = await view_link(of_link("users.u1.google"), API, send)
    assert response.status_code == status
    if status == 200:
        assert response.json()["provider"] == "google"
