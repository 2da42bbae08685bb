"""What is asked before a password goes out, and what is made of the answer."""

from typing import Any

import pytest

from pocketbase_core import (
    AuthStore,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
)
from pocketbase_transports import MockTransport

from ...helpers.tokens import token

LOST = PocketBaseConnectionError("http://h", message="lost")


def client(answer: Response | Exception) -> tuple[PocketBase, list[Request]]:
    """A server that gives this answer to the question for the ways to sign in."""
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        if request.url.endswith("auth-methods"):
            if isinstance(answer, Exception):
                raise answer
            return answer
        if request.url.endswith("batch"):
            return Response(200, json=[{"status": 200, "body": {"id": "x"}}])
        return Response(200, json={"id": "x"})

    return PocketBase("http://h", transport=MockTransport(handler), middleware=[]), seen


async def write(pb: PocketBase, *, batched: bool) -> None:
    options: dict[str, Any] = {"headers": {"Authorization": "own"}, "timeout": 3.0}
    if not batched:
        await pb.collection("a b").create({"password": "p"}, {**options, "expand": "x"})
        return
    batch = pb.create_batch()
    batch.collection("a b").create({"password": "p"}, expand="x")
    try:
        await batch.send(options)
    except PocketBaseError:
        with pytest.raises(PocketBaseError):  # and not a RuntimeError: nothing was sent
            await batch.send(options)
        raise


@pytest.mark.parametrize("batched", [False, True])
async def test_the_question_has_the_authorization_of_the_call_and_shares_its_timeout(batched: bool) -> None:
    pb, seen = client(Response(200, json={}))
    await write(pb, batched=batched)
    assert [each.headers["Authorization"] for each in seen] == ["own"] * 2
    assert all(2.5 < (each.timeout or 0) <= 3.0 for each in seen), "one timeout is for both requests"
    question = seen[0]
    assert (question.method, question.url) == ("GET", "http://h/api/collections/a%20b/auth-methods")
    assert not question.params
    body = seen[1].body["requests"][0]["body"] if batched else seen[1].body
    assert dict(body) == {"password": "p", "passwordConfirm": "p"}


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_where_it_is_not_known_the_password_goes_out_alone(status: int, batched: bool) -> None:
    pb, seen = client(Response(status, json={}))
    await write(pb, batched=batched)
    body = seen[1].body["requests"][0]["body"] if batched else seen[1].body
    assert dict(body) == {"password": "p"}


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(429), PocketBaseError),
        (Response(503), PocketBaseError),
        (LOST, PocketBaseConnectionError),
        (Response(200, content=b"<html>"), PocketBaseDecodeError),
    ],
)
async def test_a_question_that_fails_ends_the_call_before_it_is_sent(
    answer: Any, error: type[Exception], batched: bool
) -> None:
    pb, seen = client(answer)
    with pytest.raises(error):
        await write(pb, batched=batched)
    assert {request.method for request in seen} == {"GET"}


@pytest.mark.parametrize("collection", ["users", "_superusers"])
async def test_no_question_is_asked_about_the_collections_that_every_server_begins_with(collection: str) -> None:
    pb, seen = client(Response(404))
    await pb.collection(collection).create({"password": "p"})
    assert [dict(each.body) for each in seen] == [{"password": "p", "passwordConfirm": "p"}]


async def test_an_auth_collection_is_asked_about_once_by_all_clients_of_a_server() -> None:
    pb, seen = client(Response(200, json={}))
    await pb.collection("a").create({"password": "p"})
    await pb.with_auth_store(AuthStore()).collection("a").update("x", {"password": "p"})
    assert [request.method for request in seen] == ["GET", "POST", "PATCH"]


@pytest.mark.parametrize("status", [200, 404])
async def test_a_batch_asks_about_each_collection_once(status: int) -> None:
    pb, seen = client(Response(status, json={}))
    batch = pb.create_batch()
    for name in ("a", "b", "a", "b"):
        batch.collection(name).create({"password": "p"})
    with pytest.raises(PocketBaseDecodeError):  # the server's answer is that of another batch
        await batch.send()
    assert [request.method for request in seen] == ["GET", "GET", "POST"]


async def test_nothing_is_written_as_a_user_who_signed_in_while_the_question_was_asked() -> None:
    sent: list[str] = []

    def handler(request: Request) -> Response:
        sent.append(request.method)
        pb.auth_store.save(token(3600, id="u2"), {"id": "u2"})
        return Response(200, json={})

    pb = PocketBase("http://h", transport=MockTransport(handler), middleware=[])
    pb.auth_store.save(token(3600, id="u1"), {"id": "u1"})
    with pytest.raises(PocketBaseUnauthorizedError):
        await pb.collection("a").create({"password": "p"})
    assert sent == ["GET"]
