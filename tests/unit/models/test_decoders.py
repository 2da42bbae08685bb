"""Records as classes of the user's own."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, Required, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
from typing_extensions import TypeAliasType

from pocketbase_core import PocketBase, PocketBaseDecodeError, Response
from pocketbase_core.models.decoders import event_decoder, make_decoder
from pocketbase_transports import MockTransport

from ...helpers.articles import ARTICLE, Article, Tag

Id = NewType("Id", str)
T = TypeVar("T")


class Author(TypedDict):
    name: str


class Expand(TypedDict, total=False):
    author: Required[Author]
    editor: Author


class Post(TypedDict):
    id: Id
    title: str
    n: float
    count: NotRequired["Annotated[int, 'of something']"]
    yes: NotRequired[bool]
    tags: NotRequired[list[str]]
    scores: NotRequired[Mapping[str, int]]
    status: NotRequired[Literal["draft", "live", 1]]
    either: NotRequired[int | list[int] | None]
    old: NotRequired[str | None]
    data: NotRequired[Any]
    expand: NotRequired[Expand]


RECORD: dict[str, Any] = {"id": "abc", "collectionName": "posts", "title": "x", "n": 1}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"n": 1.5, "unknown": object()},
        {"count": 3, "yes": True, "tags": ["a"], "scores": {"a": 1}, "status": "live", "either": [1], "data": ...},
        {"status": 1, "either": None, "old": None, "tags": [], "expand": {"author": {"name": "y", "more": 1}}},
    ],
)
def test_a_typed_dict_is_the_record_itself(extra: dict[str, Any]) -> None:
    record = RECORD | extra
    before = repr(record)
    assert make_decoder(Post)(record) is record
    assert repr(record) == before


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"title": None}, "field 'title': expected str, got None"),
        ({"n": "1"}, "field 'n': expected float, got str"),
        ({"n": True}, "field 'n': expected float, got bool"),
        ({"count": 1.0}, "field 'count': expected int, got float"),
        ({"count": False}, "field 'count': expected int, got bool"),
        ({"yes": 1}, "field 'yes': expected bool, got int"),
        ({"tags": "a"}, "field 'tags': expected list, got str"),
        ({"tags": ["a", 2]}, "field 'tags.1': expected str, got int"),
        ({"scores": {"a": "b"}}, "field 'scores.a': expected int, got str"),
        ({"scores": []}, "field 'scores': expected dict, got list"),
        ({"status": "gone"}, "field 'status': expected 'draft' or 'live' or 1, got 'gone'"),
        ({"status": True}, "field 'status': expected 'draft' or 'live' or 1, got True"),
        ({"status": []}, "field 'status': expected 'draft' or 'live' or 1, got []"),
        ({"either": "a"}, "field 'either': expected int or list or None, got str"),
        ({"either": ["a"]}, "field 'either.0': expected int, got str"),
        ({"old": 1}, "field 'old': expected str or None, got int"),
        ({"expand": {}}, "field 'expand.author': missing"),
        ({"expand": {"author": {"name": 1}}}, "field 'expand.author.name': expected str, got int"),
    ],
)
def test_the_error_of_a_typed_dict_names_the_field(extra: dict[str, Any], told: str) -> None:
    with pytest.raises(PocketBaseDecodeError) as caught:
        make_decoder(Post)(RECORD | extra)
    assert str(caught.value) == f"200 record 'abc' of 'posts' is not a valid Post: {told}"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"id": "abc", "n": 1}, "record 'abc' is not a valid Post: field 'title': missing"),
        (
            {"title": "x", "n": 1, "collectionName": "posts"},
            "a record without id of 'posts' is not a valid Post: field 'id'",
        ),
        ([], "a record is not a valid Post: expected dict, got list"),
        (None, "a record is not a valid Post: expected dict, got None"),
    ],
)
def test_the_error_names_the_record_as_far_as_the_record_has_a_name(record: Any, told: str) -> None:
    with pytest.raises(PocketBaseDecodeError, match=told):
        make_decoder(Post)(record)


def test_a_dataclass_takes_the_keys_that_it_has_fields_for() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)
    inner = {
        **ARTICLE,
        "published": "2024-01-02 03:04:05.678Z",
        "tags": [{"name": "b"}],
        "by_name": {"c": {"name": "d"}},
    }
    assert make_decoder(Article)({**ARTICLE, "n": 2, "parent": inner}) == Article(
        "x",
        Tag("a"),
        moment,
        None,
        n=2,
        parent=Article("x", Tag("a"), moment, moment, [Tag("b")], {"c": Tag("d")}),
    )


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"author": {}}, "field 'author.name': missing"),
        ({"author": None}, "field 'author': expected dict, got None"),
        ({"created": ""}, "field 'created': expected a date with a time zone, got ''"),
        (
            {"created": "2024-01-02 03:04:05"},
            "field 'created': expected a date with a time zone, got '2024-01-02 03:04:05'",
        ),
        ({"created": 3}, "field 'created': expected a date, got int"),
        ({"published": "soon"}, "field 'published': expected a date with a time zone, got 'soon'"),
        ({"published": 3}, "field 'published': expected a date or None, got int"),
        ({"tags": [{"name": "b"}, {"name": 3}]}, "field 'tags.1.name': expected str, got int"),
        ({"parent": {**ARTICLE, "author": {"name": 1}}}, "field 'parent.author.name': expected str, got int"),
        ({"title": "forbidden"}, "this title is taken"),
    ],
)
def test_the_error_of_a_dataclass_names_the_field(extra: dict[str, Any], told: str) -> None:
    with pytest.raises(PocketBaseDecodeError) as caught:
        make_decoder(Article)(ARTICLE | extra)
    assert str(caught.value) == f"200 record 'abc' is not a valid Article: {told}"
    assert isinstance(caught.value.__cause__, ValueError) == (told == "this title is taken")


class Model(pydantic.BaseModel):
    n: int
    inner: list[Tag] = []
    when: datetime | None = None


class Struct(msgspec.Struct):
    n: int
    inner: list[Tag] = []
    when: datetime | None = None


@pytest.mark.parametrize("kind", [Model, Struct])
def test_models_of_pydantic_and_msgspec_validate_for_themselves(kind: type[Model] | type[Struct]) -> None:
    record: dict[str, Any] = {"id": "abc", "n": 1, "inner": [{"name": "b"}], "when": "2024-01-02 03:04:05.678Z"}
    value = make_decoder(kind)(record)
    assert isinstance(value, kind)
    assert (value.n, value.inner, value.when) == (1, [Tag("b")], datetime(2024, 1, 2, 3, 4, 5, 678000, UTC))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"n": "x"}, "n"),
        ({"inner": [{"name": 3}]}, r"inner.*name"),
        ({"when": "soon"}, "when"),
    ]
    for extra, path in wrong:
        with pytest.raises(
            PocketBaseDecodeError, match=rf"'abc' is not a valid {kind.__name__}: field '{path}'"
        ) as caught:
            make_decoder(kind)(record | extra)
        assert isinstance(caught.value.__cause__, (pydantic.ValidationError, msgspec.ValidationError))
    with pytest.raises(PocketBaseDecodeError, match=r"field .n"):
        make_decoder(kind)({"id": "abc"})


@dataclass
class WithModels:
    model: Model
    struct: Struct


def test_a_dataclass_may_contain_models() -> None:
    assert make_decoder(WithModels)({"model": {"n": 1}, "struct": {"n": 2}}) == WithModels(Model(n=1), Struct(2))
    with pytest.raises(PocketBaseDecodeError, match=r"field 'model\.n'"):
        make_decoder(WithModels)({"model": {"n": "x"}, "struct": {"n": 2}})


class Dated(TypedDict):
    when: list[datetime | None]


class Holding(TypedDict):
    tag: Tag


@dataclass
class Hour:
    hour: time


class Shape(Enum):
    POINT = (0, 0)


@dataclass
class Drawn:
    shape: Shape


class Shaped(TypedDict):
    shape: Shape


class Box(TypedDict, Generic[T]):
    value: T


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (dict, "TypedDict, dataclass, pydantic model or msgspec Struct, not <class 'dict'>"),
        (3, "not 3"),
        (dict[str, Any], "not dict"),
        (Dated, r"Dated\.when must not be annotated .*datetime.*; only a dataclass or a model converts values"),
        (Holding, r"Holding\.tag must not be annotated .*Tag"),
        (Hour, r"Hour\.hour must not be annotated <class 'datetime\.time'>: no value of a record matches it$"),
        (Drawn, r"Drawn\.shape must not be annotated <enum 'Shape'>: no value of a record matches it$"),
        (Shaped, r"Shaped\.shape must not be annotated <enum 'Shape'>.*; only a dataclass or a model converts"),
        (Box, r"Box\.value must not be annotated ~T"),
        (Box[int], "not .*Box"),
    ],
)
def test_a_class_that_no_record_can_fill_is_refused_before_any_request(kind: Any, told: str) -> None:
    def handler(_: object) -> Response:
        raise AssertionError("nothing is sent")

    pb = PocketBase("http://h", transport=MockTransport(handler))
    for place in (pb, pb.create_batch()):
        with pytest.raises(TypeError, match=told):
            place.collection("posts", kind)


def test_required_and_not_required_count_in_annotations_that_are_text() -> None:
    space: dict[str, Any] = {"__name__": __name__}
    source = """
from __future__ import annotations
from typing import NotRequired, Required, TypedDict
class A(TypedDict):
    a: NotRequired[int]
class B(A, total=False):
    b: Required[int]
"""
    exec(source, space, space)
    module: Any = sys.modules[__name__]
    module.NotRequired, module.Required, module.int = NotRequired, Required, int
    decode = make_decoder(space["B"])
    assert decode({"b": 1}) == {"b": 1}
    with pytest.raises(PocketBaseDecodeError, match="'b': missing"):
        decode({"a": 1})


def test_the_core_does_without_pydantic_and_msgspec() -> None:
    code = """
import dataclasses, sys
import pocketbase_core.models.decoders
@dataclasses.dataclass
class A:
    a: int
assert pocketbase_core.models.decoders.make_decoder(A)({"a": 1}) == A(1)
assert not {"pydantic", "msgspec", "pytest"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_realtime_event_without_a_record_is_a_decode_error() -> None:
    decode = event_decoder(make_decoder(msgspec.defstruct("Post", [("title", str)])))
    assert decode is not None
    for message in ("text", {"action": "create"}):
        with pytest.raises(PocketBaseDecodeError, match="the realtime event has no record"):
            decode(message)


Number = TypeAliasType("Number", int)  # `type Number = int`, as newer Pythons have it


def test_a_type_alias_of_python_312_means_its_value() -> None:
    @dataclass
    class Post:
        n: Number

    assert make_decoder(Post)({"n": 1}) == Post(1)
    with pytest.raises(PocketBaseDecodeError, match="field 'n': expected int, got str"):
        make_decoder(Post)({"n": "1"})
