"""Answers to a batch that are not those of its members, and the auth store after a batch."""

from collections.abc import Callable
from typing import Any

import pytest

from pocketbase_core import PocketBase, PocketBaseBatchError, PocketBaseDecodeError, Response
from pocketbase_core.services.batch import Batch, BatchRecords
from pocketbase_transports import MockTransport


def batch_of_two(answer: Response) -> Batch:
    batch = PocketBase("http://h", transport=MockTransport(lambda _: answer), middleware=[]).create_batch()
    batch.collection("a").create({})
    batch.collection("a").delete("x")
    return batch


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [None, None],
        [3, "x"],
        [{"status": 200}, {"status": 204}],
        [{"status": "200", "body": {}}, {"status": 204, "body": None}],
        [{"body": {}}, {"body": None}],
        [{"status": True, "body": {}}, {"status": 204, "body": None}],
        [{"status": 200, "body": ["x"]}, {"status": 204, "body": None}],
        {"0": {}},
    ],
)
async def test_a_success_of_another_shape_is_a_decode_error(answers: Any) -> None:
    batch = batch_of_two(Response(200, json=answers))
    with pytest.raises(PocketBaseDecodeError, match=r"application/json|got 0 bytes"):
        await batch.send()
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()


OWN: dict[str, tuple[Callable[[BatchRecords[Any]], object], Any]] = {
    "update": (lambda users: users.update("u1", {"name": "new"}), {"name": "new"}),
    "upsert": (lambda users: users.upsert({"id": "u1", "name": "new"}), {"name": "new"}),
    "password": (lambda users: users.update("u1", {"password": "new", "passwordConfirm": "new"}), None),
    "upserted password": (lambda users: users.upsert({"id": "u1", "password": "new"}), None),
    "delete": (lambda users: users.delete("u1"), None),
    "of another": (lambda users: users.update("u2", {"password": "new", "passwordConfirm": "new"}), {}),
}


@pytest.mark.parametrize("name", OWN)
async def test_the_store_follows_a_batch_with_the_signed_in_record(name: str) -> None:
    queue, changes = OWN[name]
    answers = [{"status": 200, "body": {"id": "x"}}, {"status": 200, "body": {"name": "new"}}]
    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200, json=answers)), middleware=[])
    pb.auth_store.save("t", own := {"id": "u1", "collectionName": "users"})
    async with pb.create_batch() as batch:
        batch.collection("posts").update("u1", {"password": "a field of its own", "passwordConfirm": "too"})
        queue(batch.collection("users"))
    assert pb.auth_store.record == (None if changes is None else {**own, **changes})
    assert pb.auth_store.token == ("" if changes is None else "t")


async def test_a_new_record_is_not_taken_for_a_signed_in_one_without_an_id() -> None:
    answers = [{"status": 200, "body": {"id": "new", "collectionName": "a"}}, {"status": 204, "body": None}]
    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200, json=answers)), middleware=[])
    pb.auth_store.save("t", {"collectionName": "a"})
    async with pb.create_batch() as batch:
        batch.collection("a").create({})
        batch.collection("a").delete("x")
    assert pb.auth_store.record == {"collectionName": "a"}


@pytest.mark.parametrize(
    ("requests", "statuses"),
    [
        ({"1": {"response": {"status": 404}}}, {1: 404}),
        ({"0": {"response": {"status": "x"}}, "1": {"response": None}}, {0: 400, 1: 400}),
        ({"0": None, "7": {}, "x": {}, "-1": {}}, {0: 400}),
        (["0"], {}),
        (None, {}),
    ],
)
async def test_a_batch_error_has_errors_of_existing_requests_only(requests: Any, statuses: dict[int, int]) -> None:
    batch = batch_of_two(Response(400, json={"message": "No.", "data": {"requests": requests}}))
    with pytest.raises(PocketBaseBatchError) as caught:
        await batch.send()
    assert {number: error.status for number, error in caught.value.errors.items()} == statuses
