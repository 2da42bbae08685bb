"""What becomes of rows when a server, or a proxy in front of it, answers as a real one seldom does."""

from collections.abc import Callable
from typing import Any

import pytest

from pocketbase_core import (
    BulkResult,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseRateLimitError,
    PocketBaseSessionExpiredError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
)
from pocketbase_core.endpoints.idempotent_create import ID_EXISTS, ID_EXISTS_OR_INVALID
from pocketbase_core.services.bulk import writer
from pocketbase_transports import MockTransport

from ...helpers.tokens import token

ROWS = [{"title": "a", "k": "1"}, {"title": "b", "k": "2"}]
SETTINGS = {"batch": {"enabled": True, "maxRequests": 50}}
ID = {"name": "id", "type": "text", "autogeneratePattern": "[a-z0-9]{15}"}
SCHEMA: dict[str, Any] = {
    "type": "base",
    "fields": [
        ID,
        {"name": "password", "type": "text"},
        {"name": "title", "type": "text"},
        {"name": "k", "type": "text"},
        {"name": "n", "type": "number"},
        {"name": "yes", "type": "bool"},
        {"name": "at", "type": "date"},
    ],
    "indexes": ["CREATE UNIQUE INDEX `k` ON `items` (`k`)"],
}
Answer = Response | PocketBaseError
Handle = Callable[[Request], Answer]


class Server:
    """A server whose answers to writes and lists are prepared.

    Args:
        writes: The answers to the first writes; later ones succeed.
        lists: The answers to the first lists; later ones are empty.
        schema: The collection.
    """

    def __init__(self, *writes: Answer, lists: tuple[Answer, ...] = (), schema: dict[str, Any] = SCHEMA) -> None:
        self.writes, self.lists, self.schema = [*writes], [*lists], schema
        self.sent: list[Any] = []

    def __call__(self, request: Request) -> Response:
        answer = self._answer(request)
        if isinstance(answer, PocketBaseError):
            raise answer
        return answer

    def _answer(self, request: Request) -> Answer:
        if request.method == "GET":
            if request.url.endswith("/api/settings"):
                return Response(200, json=SETTINGS)
            if request.url.endswith("/collections/items"):
                return Response(200, json=self.schema)
            return self.lists.pop(0) if self.lists else page()
        requests = request.body["requests"] if request.url.endswith("/batch") else None
        self.sent.append(len(requests) if requests is not None else request.method)
        if self.writes:
            return self.writes.pop(0)
        return Response(
            200, json=[{"status": 200, "body": {}}] * len(requests) if requests is not None else {"id": "x"}
        )

    async def create_many(self, rows: Any = ROWS, key: str | None = None) -> BulkResult:
        pb = PocketBase("http://h", transport=MockTransport(self), middleware=[])
        return await pb.collection("items").create_many(rows, key=key)


def page(*items: dict[str, Any]) -> Response:
    return Response(200, json={"page": 1, "perPage": 101, "totalItems": -1, "totalPages": -1, "items": [*items]})


def refusal(index: int, code: str, field: str = "k", status: int = 400) -> Response:
    reason = {"status": status, "message": "Failed.", "data": {field: {"code": code, "message": "no"}}}
    failed = {str(index): {"code": "batch_request_failed", "message": "no", "response": reason}}
    return Response(400, json={"status": 400, "message": "Batch failed.", "data": {"requests": failed}})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BACKOFF", 0.0)


@pytest.mark.parametrize(
    "answer",
    [
        Response(429),
        Response(503),
        Response(200, headers={"Content-Type": "text/html"}),
        PocketBaseConnectionError(request_sent=False),
        PocketBaseConnectionError(request_sent=None),
    ],
)
async def test_a_batch_without_a_result_is_sent_again(answer: Answer) -> None:
    server = Server(answer)
    assert (await server.create_many()).created == 2
    assert server.sent == [2, 2]


async def test_a_lookup_without_a_result_is_sent_again_and_ends_with_its_error() -> None:
    server = Server(lists=(Response(503), PocketBaseConnectionError()))
    assert (await server.create_many(key="k")).created == 2
    server = Server(lists=(PocketBaseConnectionError(),) * writer.ATTEMPTS)
    with pytest.raises(PocketBaseConnectionError):
        await server.create_many(key="k")


async def test_a_question_before_the_write_that_fails_leaves_no_doubt_about_the_write() -> None:
    refused = Response(404, json={"status": 404, "message": "no", "data": {}})
    server = Server(lists=(page({"id": "r1", "k": "1"}), Response(503), refused))  # is it an auth collection?
    result = await server.create_many([{"k": "1", "title+": "x", "password": "secret"}], key="k")
    assert (result.updated, server.sent) == (1, ["PATCH"])


async def test_a_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    defaults = writer.Writer.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "sleep", sleep)
    await Server(Response(429, headers={"Retry-After": "7"}), Response(503)).create_many()
    assert waits == [7, 0]
    with pytest.raises(PocketBaseRateLimitError):
        await Server(Response(429, headers={"Retry-After": "3600"})).create_many()
    assert waits == [7, 0]


async def test_responses_that_are_never_json_end_the_call() -> None:
    with pytest.raises(PocketBaseDecodeError):
        await Server(*(Response(200, content=b"<html>") for _ in range(writer.ATTEMPTS))).create_many()


async def test_a_record_that_another_program_has_stored_meanwhile_is_updated() -> None:
    server = Server(refusal(1, "validation_not_unique"), lists=(page(), page({"id": "other", "k": "2"})))
    result = await server.create_many(key="k")
    assert (result.created, result.updated, result.failed) == (1, 1, [])


async def test_a_unique_value_that_is_not_the_key_is_the_error_of_its_row() -> None:
    server = Server(refusal(0, "validation_not_unique", "title"))
    result = await server.create_many(key="k")
    assert (result.created, [row.number for row in result.failed]) == (1, [1])


async def test_an_id_of_ours_that_exists_means_that_the_lost_request_has_stored_the_rows() -> None:
    server = Server(PocketBaseConnectionError(), refusal(1, ID_EXISTS, "id"))
    assert await server.create_many() == BulkResult(created=2), "also for a user who may not see the records"
    assert server.sent == [2, 2]


async def test_an_id_of_the_users_that_exists_may_have_been_there_before() -> None:
    rows = [{"id": "r1", "title": "a"}, {"id": "r2", "title": "b"}]
    lost, refused = PocketBaseConnectionError(), refusal(0, ID_EXISTS, "id")
    stored = page({"id": "r1"}, {"id": "r2"})
    assert await Server(lost, refused, lists=(stored,)).create_many(rows) == BulkResult(created=2)
    result = await Server(lost, refused, lists=(page({"id": "r1"}),)).create_many(rows)
    assert (result.created, [row.number for row in result.failed]) == (1, [1])


@pytest.mark.parametrize("is_lost", [False, True])
async def test_an_id_that_an_auth_collection_refuses_is_left_to_the_server_unless_it_may_exist(is_lost: bool) -> None:
    refused = refusal(0, ID_EXISTS_OR_INVALID, "id")
    server = Server(*([PocketBaseConnectionError()] if is_lost else []), refused)
    result = await server.create_many([*ROWS, {"id": "given"}])
    assert (result.created, [row.number for row in result.failed]) == ((2, [1]) if is_lost else (3, []))


async def test_a_server_without_batches_gets_single_requests() -> None:
    server = Server(Response(404, json={"status": 404, "message": "no", "data": {}}))
    assert (await server.create_many()).created == 2
    assert server.sent == [2, "POST", "POST"]


@pytest.mark.parametrize("status", [401, 409])
async def test_an_error_that_is_not_about_a_row_ends_the_call(status: int) -> None:
    with pytest.raises(PocketBaseError) as caught:
        await Server(Response(status, json={"status": status, "message": "no", "data": {}})).create_many()
    assert caught.value.status == status
    with pytest.raises(PocketBaseUnauthorizedError):
        await Server(refusal(0, "x", status=401)).create_many()


async def test_an_update_that_is_refused_is_the_error_of_its_row() -> None:
    found = page({"id": "r1", "k": "1"}, {"id": "r2", "k": "2"})
    server = Server(refusal(0, "x", status=404), lists=(found,))
    result = await server.create_many(key="k")
    assert (result.updated, [row.number for row in result.failed]) == (1, [1])


async def test_a_user_who_may_not_see_the_key_creates() -> None:
    server = Server(lists=(page({"id": "r1"}, {"id": "r2", "k": [1]}),))
    assert (await server.create_many(key="k")).created == 2


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"n": "many"}, "'n': could not convert string to float"),
        ({"n": "inf"}, "'n': not a finite number"),
        ({"yes": "maybe"}, "'yes': not true or false"),
        ({"at": "yesterday"}, "'at': Invalid isoformat string"),
        ({"k+": "x", "other": 1}, "has no field 'other'"),
        ({5: 1}, "has no field '5'"),
        ({None: 1}, "has no field 'None'"),
    ],
)
async def test_a_value_that_the_server_would_drop_is_refused(row: Any, problem: str) -> None:
    result = await Server().create_many(
        [row, {"n": "1e3", "yes": "TRUE", "at": "2026-01-31", "title": "x"}, {"n": "", "at": ""}]
    )
    assert (result.created, [failed.number for failed in result.failed]) == (2, [1])
    assert problem in str(result.failed[0].error)


async def test_a_view_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="'items' is a view"):
        await Server(schema={"type": "view", "fields": [ID]}).create_many()


async def test_a_session_that_is_over_is_an_error() -> None:
    pb = PocketBase("http://h", transport=MockTransport(Server()))
    pb.auth_store.save(token(-1))
    with pytest.raises(PocketBaseSessionExpiredError):
        await pb.collection("items").create_many(ROWS)


async def test_a_row_with_much_text_closes_its_batch() -> None:
    server = Server()
    large = {"title": "x" * (2 * 1024 * 1024)}
    assert (await server.create_many([large] * 5)).created == 5
    assert sum(server.sent[:2]) == 4, "two rows of 2 MiB are a batch"
