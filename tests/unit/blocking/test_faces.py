"""Each public method of the asynchronous face is on the blocking face, where it returns a value."""

import importlib
import inspect
import pkgutil
import pydoc
import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import pytest

from pocketbase_core import blocking, services
from pocketbase_core.blocking.services import CollectionService
from pocketbase_core.faces import AsyncFace
from pocketbase_core.messages import Request, Response
from pocketbase_transports import MockTransport

from ...helpers.blocking_face import FACES, RENAMES

CALLED_BY_THE_LIBRARY = {
    *("EventStream.confirm", "EventStream.deliver", "EventStream.drop_pending", "EventStream.end"),
    *("EventStream.decode_item", "EventStream.note_loss", "EventStream.stop", "EventStream.take_item"),
    *("EventStream.wait_for_item", "LiveQuery.items_taken_by", "RecordIterator.next_page"),
    *("Realtime.follow_store", "Realtime.note_revoked", "Realtime.start", "Realtime.stop"),
}
"""Methods whose names are public, but that are not for users: on the event loop, the library calls them."""
HOOKS = {"PocketBase.after_send", "PocketBase.before_send"}
"""Methods that the library calls and users override: by functions or by coroutine functions."""
OTHER_DOCSTRINGS = {
    "LiveQuery.on_change",  # says on which thread the callback is called
    "PocketBase.collection",  # refers to the other one
    "RecordIterator.__anext__",  # is Python's own
}


def public_methods() -> Iterator[Any]:
    """Yield each public method of a class of the asynchronous face, with the blocking class."""
    for blocking_class, asynchronous in FACES.items():
        for name in dir(asynchronous):
            qualified = f"{asynchronous.__name__}.{name}"
            is_public = not name.startswith("_") or name in RENAMES
            is_method = inspect.isroutine(inspect.getattr_static(asynchronous, name))
            if is_public and is_method and qualified not in CALLED_BY_THE_LIBRARY:
                yield pytest.param(qualified, getattr(asynchronous, name), blocking_class, id=qualified)


def parameters(method: Any) -> list[tuple[str, object, object, str]]:
    """Return the parameters of a method. The type variables of the faces are different objects of one name."""
    signature = inspect.signature(method)
    return [(each.name, each.kind, each.default, str(each.annotation)) for each in signature.parameters.values()]


def result(method: Any) -> str:
    return str(inspect.signature(method).return_annotation)


@pytest.mark.parametrize(("name", "asynchronous", "blocking_class"), [*public_methods()])
def test_each_public_method_is_on_the_blocking_face(name: str, asynchronous: Any, blocking_class: Any) -> None:
    own_name = name.partition(".")[2]
    method = getattr(blocking_class, RENAMES.get(own_name, own_name))
    assert parameters(method) == parameters(asynchronous)
    if name not in HOOKS:
        assert not inspect.iscoroutinefunction(method)
        assert not [word for word in ("Async", "Awaitable", "Coroutine") if word in result(method)]
    if name not in OTHER_DOCSTRINGS:
        assert inspect.getdoc(method) == inspect.getdoc(asynchronous)


def test_each_class_of_the_asynchronous_face_has_a_blocking_one() -> None:
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        importlib.import_module(module.name)
    classes = {*AsyncFace.__subclasses__()}
    assert classes
    assert classes <= {*FACES.values()}
    public = {getattr(blocking, name) for name in blocking.__all__ if isinstance(getattr(blocking, name), type)}
    assert public <= FACES.keys()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RecordService.get_one", "~T"),
        ("RecordService.get_full_list", "list[~T]"),
        ("RecordService.iterate", "collections.abc.Iterator[~T]"),
        ("RecordService.events", "AbstractContextManager[EventStream[RecordEvent[T]]]"),
        ("RecordService.live", "LiveQuery[T]"),
        ("RecordService.subscribe", "collections.abc.Callable[[], None]"),
        ("RecordService.subscribe_all", "collections.abc.Callable[[], None]"),
        ("Realtime.subscribe", "collections.abc.Callable[[], None]"),
        (
            "Realtime.events",
            "contextlib.AbstractContextManager[pocketbase_core.blocking.streams.EventStream[typing.Any]]",
        ),
        (
            "PocketBase.stream",
            "contextlib.AbstractContextManager[pocketbase_core.blocking.streams.StreamedResponse]",
        ),
        ("PocketBase.send", "typing.Any"),
        ("AuthService.impersonate", "PocketBase"),
        ("Batch.send", "list[dict[str, typing.Any]]"),
    ],
)
def test_the_signature_of_a_blocking_method_has_its_value_as_the_result(name: str, expected: str) -> None:
    assert result(attrgetter(name)(blocking)) == expected


def test_help_shows_blocking_methods_with_their_docstrings() -> None:
    shown = " ".join(pydoc.plain(pydoc.render_doc(blocking.RecordService)).replace("|", " ").split())
    assert "create(self, body: " in shown.replace("( ", "(")
    assert "Create a record, and return it as the server stored it." in shown
    assert re.search(r"-> collections.abc.Iterator\[~T\] (from \S+ )?Iterate over all records\.", shown)
    assert blocking.RecordService.create.__qualname__ == "RecordService.create"


def test_a_warning_names_the_line_of_the_call() -> None:
    def handler(request: Request) -> Response:
        return Response(200, json={}, url=request.url)

    with blocking.PocketBase("http://h", transport=MockTransport(handler)) as pb:
        assert isinstance(pb.collections, CollectionService)
        with pytest.warns(DeprecationWarning, match="fields") as caught:
            pb.collections.create({"name": "a", "type": "base", "schema": []})
    assert caught[0].filename == __file__
