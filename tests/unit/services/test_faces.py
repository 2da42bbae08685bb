"""One definition of a method serves the service and the batch, and each looks like a method written by hand."""

import inspect
import pydoc
from typing import Any, TypeVar, get_type_hints
from unittest.mock import AsyncMock

import pytest

from pocketbase_core import PocketBase, Request, Response
from pocketbase_core.services.batch import BatchRecords
from pocketbase_core.services.queued import Queued
from pocketbase_core.services.records import RecordService
from pocketbase_transports import MockTransport

SERVICES: list[Any] = ["collections", "files", "backups", "settings", "logs", "crons", "sql", "health", "admins"]


def client() -> PocketBase:
    def handler(request: Request) -> Response:
        return Response(200, json={"id": "a", "n": 1}, url=request.url)

    return PocketBase("http://h", transport=MockTransport(handler))


async def test_an_endpoint_of_a_service_is_a_coroutine_function_and_of_a_batch_a_function() -> None:
    pb = client()
    posts, batch = pb.collection("posts"), pb.create_batch()
    assert inspect.iscoroutinefunction(posts.create)
    assert inspect.iscoroutinefunction(RecordService.create)
    assert await posts.create({"n": 1}) == {"id": "a", "n": 1}
    queued: object = batch.collection("posts").create({"n": 1})
    assert not inspect.iscoroutinefunction(BatchRecords.create)
    assert isinstance(queued, Queued)
    assert len(batch.queue) == 1


def test_the_signature_of_an_endpoint_has_the_value_of_its_call_as_the_result() -> None:
    signature = inspect.signature(client().collection("posts").update)
    assert list(signature.parameters) == ["record_id", "body", "options", "keywords"]
    assert isinstance(signature.return_annotation, TypeVar), "the class of the record"
    assert inspect.signature(client().health.check).return_annotation == dict[str, Any]
    assert get_type_hints(client().health.check)["return"] == dict[str, Any]


@pytest.mark.parametrize("face", [RecordService, BatchRecords])
def test_help_shows_the_endpoints_of_each_face_with_their_docstrings(face: type[Any]) -> None:
    shown = " ".join(pydoc.plain(pydoc.render_doc(face)).replace("|", " ").split()).replace("( ", "(")
    assert "create(self, body: collections.abc.Mapping[str, typing.Any] pocketbase_core.messages.instances." in shown
    assert "Create a record, and return it as the server stored it." in shown


def test_an_error_in_the_arguments_of_an_endpoint_names_the_method() -> None:
    batch = client().create_batch()
    create: Any = batch.collection("posts").create
    with pytest.raises(TypeError, match=r"create\(\) missing 1 required positional argument: 'body'"):
        create()


async def test_the_coroutine_of_an_endpoint_raises_where_it_is_awaited() -> None:
    update: Any = client().collection("posts").update
    coroutine = update("..", {})
    with pytest.raises(ValueError, match=r"\.\."):
        await coroutine


async def test_a_mock_of_a_service_has_coroutine_functions() -> None:
    posts = AsyncMock(spec=RecordService)
    posts.get_one.return_value = {"id": "a"}
    assert await posts.get_one("a") == {"id": "a"}


@pytest.mark.parametrize("name", SERVICES)
def test_each_public_method_of_a_service_is_found_on_the_class_too(name: str) -> None:
    service: Any = getattr(client(), name)
    owner: Any = getattr(service, "__class__")
    for method in (each for each in dir(service) if not each.startswith("_") and callable(getattr(service, each))):
        if method in vars(service):
            continue
        on_class: Any = getattr(owner, method)
        assert inspect.getdoc(on_class) == inspect.getdoc(getattr(service, method)) is not None
