"""The outcome of a create that was repeated, concluded from the responses to its attempts."""

import json
import re
from typing import Any

import pytest

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    Request,
    Response,
)
from pocketbase_core.middleware import Retry, chain
from pocketbase_transports import MockTransport

RECORDS = "http://h/api/collections/a/records"
BATCH = "http://h/api/batch"
MEMBER = {"method": "POST", "url": "/api/collections/a/records"}
LOST = PocketBaseConnectionError("http://h", message="lost")
NEVER_SENT = PocketBaseConnectionError("http://h", message="refused", request_sent=False)
STORED = Response(200, json={"id": "x"})
BROKEN = Response(200, content=b'{"id\xa2:"x"}')
NOT_FOUND = Response(404, json={"message": "none", "data": {}})


def refused(*fields: str, code: str = "validation_not_unique", status: int = 400) -> Response:
    return Response(status, json={"message": "No.", "data": {name: {"code": code, "message": "m"} for name in fields}})


def refused_member(field: str, number: int = 0) -> Response:
    response = {"response": {"data": {field: {"code": "validation_not_unique", "message": "m"}}}}
    return Response(400, json={"message": "No.", "data": {"requests": {str(number): response}}})


def client(*outcomes: Any, **settings: Any) -> tuple[PocketBase, list[str]]:
    remaining, seen = [*outcomes], list[str]()

    def handler(request: Request) -> Response:
        seen.append(request.method)
        outcome = remaining.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Response)
        return outcome

    async def at_once(_: float) -> None:
        pass

    return PocketBase(
        "http://h", transport=MockTransport(handler), middleware=[Retry(creates=True, sleep=at_once, **settings)]
    ), seen


OTHER_AUTH = "validation_invalid_auth_id"
CASES: dict[str, tuple[list[Any], type[PocketBaseError] | None, str]] = {
    "response lost, then a success": ([LOST, STORED], None, "POST POST"),
    "first attempt refused": ([refused("title")], PocketBaseError, "POST"),
    "refused, and no attempt was sent before": ([NEVER_SENT, refused("title")], PocketBaseError, "POST POST"),
    "id exists": ([refused("id"), STORED], None, "POST GET"),
    "id exists, lookup refused": ([refused("id"), NOT_FOUND], PocketBaseDecodeError, "POST GET"),
    "id exists, lookup is no JSON": ([refused("id"), BROKEN], PocketBaseDecodeError, "POST GET"),
    "another field refused, lookup is no JSON": (
        [LOST, refused("email"), BROKEN],
        PocketBaseConnectionError,
        "POST POST GET",
    ),
    "another field refused, record exists": ([LOST, refused("email"), STORED], None, "POST POST GET"),
    "another field refused, lookup refused": (
        [LOST, refused("email"), NOT_FOUND],
        PocketBaseConnectionError,
        "POST POST GET",
    ),
    "a rule refuses, record exists": ([LOST, refused(), STORED], None, "POST POST GET"),
    "refused after a proxy's error, record exists": ([Response(502), refused("email"), STORED], None, "POST POST GET"),
    "rate limit after a lost response, record exists": (
        [LOST, refused(status=429), refused(status=429), STORED],
        None,
        "POST POST POST GET",
    ),
    "rate limit from the start": ([refused(status=429)] * 3, PocketBaseError, "POST POST POST"),
    "id of an auth record exists": ([refused("id", code=OTHER_AUTH), STORED], None, "POST GET"),
    "id of an auth record is invalid": ([refused("id", code=OTHER_AUTH), NOT_FOUND], PocketBaseError, "POST GET"),
    "server error after a lost response": ([LOST, Response(500)], PocketBaseError, "POST POST"),
    "proxy errors after a lost response": ([LOST, Response(503), Response(503)], PocketBaseError, "POST POST POST"),
    "form of the id refused after a lost response": (
        [LOST, refused("id", code="validation_invalid_format")],
        PocketBaseError,
        "POST POST",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_repeated_create_ends_with_the_outcome_that_its_responses_prove(name: str) -> None:
    outcomes, error, methods = CASES[name]
    pb, seen = client(*outcomes)
    if error is None:
        assert await pb.collection("a").create({}) == {"id": "x"}
    else:
        with pytest.raises(error) as caught:
            await pb.collection("a").create({})
        if error is PocketBaseError:
            assert caught.value.status == outcomes[-1 - methods.count("GET")].status_code
        if error is PocketBaseDecodeError:
            assert caught.value.status == 200, "the create succeeded"
            assert "the record was stored, but cannot be read" in str(caught.value)
        assert str(caught.value).count("http://") == 1
    assert " ".join(seen) == methods


async def test_a_refusal_after_a_server_error_is_checked_by_a_lookup() -> None:
    pb, seen = client(Response(500), refused("title"), STORED, statuses=[500])
    assert await pb.collection("a").create({}) == {"id": "x"}
    assert seen == ["POST", "POST", "GET"]


class FakeTransport:
    """A transport that records requests, and that has one outcome for each of them."""

    def __init__(self, *outcomes: Any) -> None:
        self.remaining = [*outcomes]
        self.seen: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        outcome = self.remaining.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Response)
        return outcome

    async def send(self, request: Request) -> Response:
        async def at_once(_: float) -> None:
            pass

        return await chain([Retry(creates=True, sleep=at_once)], self)(request)


async def test_a_lost_response_to_a_batch_is_rebuilt_from_the_stored_records() -> None:
    members: list[dict[str, Any]] = [
        {"method": "POST", "url": "/api/collections/a/records?expand=b", "body": {"n": 1}},
        {"method": "post", "url": "/api/collections/a/records", "body": {"id": "mine", "n+": 1}},
        {"method": "PUT", "url": "/api/collections/b/records"},
        {"method": "PATCH", "url": "/api/collections/a/records/y", "body": {"n": 2}},
        {"method": "DELETE", "url": "/api/collections/a/records/z"},
    ]
    stored = [Response(200, json={"id": name}) for name in ("x", "mine", "b", "y")]
    transport = FakeTransport(LOST, refused_member("title").replace(loads=json.loads), *stored)
    batch = Request("POST", "http://h/api/batch", {"p": "1"}, {"X": "1"}, {"requests": members, "more": 1})
    response = await transport.send(batch)
    assert (response.status_code, response.url, response.loads) == (200, "http://h/api/batch", json.loads)
    found = [{"status": 200, "body": {"id": name}} for name in ("x", "mine", "b", "y")]
    assert response.json() == [*found, {"status": 204, "body": None}]
    first, second, *lookups = transport.seen
    assert first.body == second.body
    made = [first.body["requests"][index]["body"]["id"] for index in (0, 2)]
    assert all(re.fullmatch("[a-z0-9]{15}", each) for each in made)
    assert first.body["more"] == 1
    assert first.body["requests"][0]["body"]["n"] == 1
    assert [dict(member) for member in first.body["requests"][3:]] == members[3:]
    assert [
        (lookup.method, lookup.url, dict(lookup.params), lookup.body, lookup.headers["X"]) for lookup in lookups
    ] == [
        ("GET", f"http://h/api/collections/{path}", {}, None, "1")
        for path in (f"a/records/{made[0]}?expand=b", "a/records/mine", f"b/records/{made[1]}", "a/records/y")
    ]


async def test_a_batch_whose_generated_id_exists_has_succeeded() -> None:
    transport = FakeTransport(refused_member("id", 1), STORED, STORED)
    response = await transport.send(Request("POST", BATCH, body={"requests": [MEMBER, MEMBER]}))
    assert response.status_code == 200
    assert [request.method for request in transport.seen] == ["POST", "GET", "GET"]


async def test_a_lost_response_to_a_create_is_replaced_by_the_stored_record() -> None:
    files = FileUpload(("a.txt", b"x")).files
    transport = FakeTransport(LOST, refused("id"), STORED)
    url, params = "http://h/api/collections/a/records?a=b", {"expand": "c"}
    create = Request("POST", url, params, body={"n": 1}, files=tuple(("f", file) for file in files))
    assert await transport.send(create) == STORED
    body = transport.seen[0].body
    assert re.fullmatch("[a-z0-9]{15}", body["id"])
    assert body["n"] == 1
    read = transport.seen[2]
    assert (read.method, read.url) == ("GET", f"http://h/api/collections/a/records/{body['id']}?a=b")
    assert (dict(read.params), read.body, read.files) == ({"expand": "c"}, None, ())


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        *[(method, RECORDS, {}) for method in ("PATCH", "PUT")],
        ("POST", RECORDS, None),
        ("POST", RECORDS, {"id": "mine"}),
        ("POST", RECORDS, ["id"]),
        ("POST", f"{RECORDS}/x", {}),
        ("POST", "http://h/api/collections/a/auth-refresh", {}),
        ("POST", BATCH, {}),
        ("POST", BATCH, {"requests": []}),
        ("POST", BATCH, {"requests": 3}),
        *[
            ("POST", BATCH, {"requests": [MEMBER, odd]})
            for odd in (3, "method url", {"method": "POST"}, {"url": "/x"}, {**MEMBER, "body": ["id"]})
        ],
        *[
            ("POST", BATCH, {"requests": [first, MEMBER]})
            for first in (
                {**MEMBER, "body": {"id": "mine"}},
                {**MEMBER, "method": "PUT"},
                {**MEMBER, "method": "PUT", "body": {"id": "mine"}},
                {"method": "PATCH", "url": "/api/collections/a/records/x", "body": {"n": 1}},
                {"method": "DELETE", "url": "/api/collections/a/records/x"},
            )
        ],
        *[
            ("POST", BATCH, {"requests": [MEMBER, {**other, "body": {key: 1}}]})
            for other in ({**MEMBER, "method": "PUT"}, {"method": "PATCH", "url": "/api/collections/a/records/x"})
            for key in ("n+", "n-", "+n")
        ],
    ],
)
async def test_a_request_that_is_not_a_guarded_create_is_sent_once_and_unchanged(
    method: str, url: str, body: Any
) -> None:
    transport, request = FakeTransport(LOST), Request(method, url, body=body)
    with pytest.raises(PocketBaseConnectionError, match="lost"):
        await transport.send(request)
    assert transport.seen == [request]


@pytest.mark.parametrize("field", ["requests.1.docs", "requests[1].docs+"])
async def test_a_batch_that_uploads_to_an_existing_record_is_sent_once(field: str) -> None:
    update: dict[str, Any] = {"method": "PATCH", "url": "/api/collections/a/records/x", "body": {}}
    for number, others in ((1, [MEMBER, update]), (2, [MEMBER, MEMBER, update])):
        files = tuple((field, file) for file in FileUpload(("a.txt", b"x")).files)
        transport = FakeTransport(LOST, Response(200, json=[]))
        request = Request("POST", BATCH, body={"requests": others}, files=files)
        if number == 1:
            with pytest.raises(PocketBaseConnectionError, match="lost"):
                await transport.send(request)
            assert transport.seen == [request]
        else:
            assert (await transport.send(request)).status_code == 200, "the upload is a new record's"


async def test_a_callers_id_is_quoted_in_the_path_of_its_lookup() -> None:
    transport = FakeTransport(LOST, refused_member("title"), STORED, STORED)
    members = [MEMBER, {**MEMBER, "body": {"id": "a/b?c=1#d"}}]
    await transport.send(Request("POST", BATCH, body={"requests": members}))
    assert transport.seen[-1].url == f"{RECORDS}/a%2Fb%3Fc%3D1%23d"
    for odd in ("..", ".", 3, ["x"]):
        request = Request("POST", BATCH, body={"requests": [MEMBER, {**MEMBER, "body": {"id": odd}}]})
        transport = FakeTransport(LOST)
        with pytest.raises(PocketBaseConnectionError, match="lost"):
            await transport.send(request)
        assert transport.seen == [request]


@pytest.mark.parametrize("nothing", [None, ""])
async def test_an_empty_id_is_replaced_by_a_generated_one(nothing: Any) -> None:
    transport = FakeTransport(LOST, Response(200, json={}), LOST, Response(200, json=[]))
    await transport.send(Request("POST", RECORDS, body={"id": nothing}))
    await transport.send(Request("POST", BATCH, body={"requests": [{**MEMBER, "body": {"id": nothing}}]}))
    made = [request.body["id"] for request in transport.seen[:2]]
    made += [request.body["requests"][0]["body"]["id"] for request in transport.seen[2:]]
    assert all(re.fullmatch("[a-z0-9]{15}", each) for each in made)
    assert (made[0], made[2]) == (made[1], made[3])


async def test_a_generated_id_of_a_refused_form_gets_a_hint() -> None:
    transport = FakeTransport(
        refused("title", "id", code="validation_invalid_format").replace(url=RECORDS, loads=json.loads)
    )
    response = await transport.send(Request("POST", RECORDS, body={}))
    assert (response.url, response.loads) == (RECORDS, json.loads)
    data = response.json()["data"]
    assert data["id"]["message"].startswith("m The client generated this id because of Retry(creates=True)")
    assert (response.status_code, data["id"]["code"], data["title"]["message"]) == (
        400,
        "validation_invalid_format",
        "m",
    )


@pytest.mark.parametrize("unread", [NOT_FOUND, BROKEN])
async def test_a_batch_of_which_one_record_cannot_be_read_raises_a_decode_error(unread: Response) -> None:
    pb, seen = client(LOST, refused_member("email"), STORED, unread)
    batch = pb.create_batch()
    batch.collection("a").create({})
    batch.collection("b").create({})
    with pytest.raises(PocketBaseDecodeError, match="the batch succeeded"):
        await batch.send()
    assert " ".join(seen) == "POST POST GET GET"


@pytest.mark.parametrize("data", [None, [], 3, {"id": 3}, {"id": None}, {"requests": {"0": 3}}, {"requests": []}])
async def test_a_refusal_of_an_unknown_shape_is_raised_as_it_is(data: Any) -> None:
    for batched in (False, True):
        pb, _ = client(Response(400, json={"message": "No.", "data": data}))
        with pytest.raises(PocketBaseError):
            if batched:
                await pb.send(
                    "/api/batch",
                    method="POST",
                    body={"requests": [{"method": "POST", "url": "/api/collections/a/records"}]},
                )
            else:
                await pb.collection("a").create({})
