"""Changes of collections on PocketBase 0.22, which recognizes fields and collections by their ids alone."""

from typing import Any

from pocketbase_core import PocketBase, Request, Response
from pocketbase_transports import MockTransport

TITLE: dict[str, Any] = {"id": "f1", "name": "title", "type": "text", "options": {"min": None, "max": None}}
POSTS: dict[str, Any] = {"id": "c1", "name": "posts", "type": "base", "schema": [TITLE], "options": {}}
CHANGED: dict[str, Any] = {"name": "posts", "fields": [{"name": "title", "type": "text", "max": 9}]}


class Server:
    """Has the collection `posts`, and as many others as fill the first page of a list."""

    def __init__(self, others: int = 0) -> None:
        others_ = [{**POSTS, "id": f"o{number}", "name": f"other{number}"} for number in range(others)]
        self._collections = [*others_, POSTS]
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        if request.method == "GET" and request.url.endswith("/collections"):
            number, size = (int(str(request.params[name])) for name in ("page", "perPage"))
            return Response(200, json={"items": self._collections[(number - 1) * size : number * size]})
        return Response(204) if request.method == "PUT" else Response(200, json=POSTS)

    def client(self) -> PocketBase:
        return PocketBase("http://h", transport=MockTransport(self), server_version="0.22")


async def test_a_new_collection_has_a_schema() -> None:
    server = Server()
    await server.client().collections.create(CHANGED)
    assert [field["name"] for field in server.seen[0].json()["schema"]] == ["title"]


async def test_an_update_names_the_ids_of_the_fields_so_that_they_keep_their_data() -> None:
    server = Server()
    updated = await server.client().collections.update("posts", CHANGED)
    read, sent = server.seen
    assert (read.method, read.full_url) == ("GET", "http://h/api/collections/posts")
    assert [(field["id"], field["options"]["max"]) for field in sent.json()["schema"]] == [("f1", 9)]
    assert "title" in [field["name"] for field in updated["fields"]]


async def test_an_import_names_the_ids_of_the_collections_and_fields_on_each_page_of_them() -> None:
    server = Server(others=500)
    await server.client().collections.import_collections([CHANGED, {**CHANGED, "name": "new"}], delete_missing=True)
    assert [request.method for request in server.seen] == ["GET", "GET", "PUT"]
    body = server.seen[-1].json()
    known, new = body["collections"]
    assert body["deleteMissing"] is True
    assert (known["id"], known["schema"][0]["id"]) == ("c1", "f1")
    assert "id" not in new["schema"][0]
