"""Batches whose answers are not those of their members."""

from typing import Any

import pytest

from pocketbase_core import PocketBase, PocketBaseBatchError, PocketBaseDecodeError, Response
from pocketbase_core.services.batch import Batch
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
async def test_a_success_of_another_shape(answers: Any) -> None:
    batch = batch_of_two(Response(200, json=answers))
    with pytest.raises(PocketBaseDecodeError, match=r"application/json|got 0 bytes"):
        await batch.send()
    with pytest.raises(RuntimeError, match="sent already"):
        await batch.send()


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
async def test_a_refusal_names_members_that_there_are(requests: Any, statuses: dict[int, int]) -> None:
    batch = batch_of_two(Response(400, json={"message": "No.", "data": {"requests": requests}}))
    with pytest.raises(PocketBaseBatchError) as caught:
        await batch.send()
    assert {number: error.status for number, error in caught.value.errors.items()} == statuses
