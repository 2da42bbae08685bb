"""Bodies of records: dicts, and instances of the user's classes."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
import pydantic
import pytest

from pocketbase_core import FileUpload, PocketBase, Request, Response
from pocketbase_core.errors import PocketBaseInputTypeError
from pocketbase_transports import MockTransport


class Status(StrEnum):
    LIVE = "live"


@dataclass
class Inner:
    at: datetime


@dataclass
class Draft:
    title: str
    status: Status
    price: Decimal
    inner: Inner
    docs: list[Any] = field(default_factory=list[Any])
    lock: Any = None
    slug: str = field(init=False)

    def __post_init__(self) -> None:
        self.slug = self.title.lower()


class InnerModel(pydantic.BaseModel):
    at: datetime = pydantic.Field(alias="atTime")


class DraftModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    title: str = pydantic.Field(alias="theTitle")
    status: Status
    price: Decimal
    inner: InnerModel
    docs: list[FileUpload | str]
    hidden: str = pydantic.Field(default="x", exclude=True)


class InnerStruct(msgspec.Struct, rename="camel", tag="inner", omit_defaults=True):
    at_time: datetime


class DraftStruct(msgspec.Struct, rename={"title": "theTitle", "kept": "docs+"}, omit_defaults=True):
    title: str
    status: Status
    price: Decimal
    inner: InnerStruct
    docs: list[Any]
    n: int = 0
    kept: list[str] | msgspec.UnsetType = msgspec.UNSET


MOMENT = datetime(2024, 1, 2, tzinfo=UTC)
MOMENT_TEXT = "2024-01-02 00:00:00.000Z"
UPLOAD = FileUpload(("a.txt", b"x"))
COMMON: dict[str, Any] = {"status": "live", "price": 1.5, "docs": ("kept.txt",)}
DATACLASS = Draft("Abc", Status.LIVE, Decimal("1.5"), Inner(MOMENT), ["kept.txt", UPLOAD])
MODEL = DraftModel(
    theTitle="Abc", status=Status.LIVE, price=Decimal("1.5"), inner=InnerModel(atTime=MOMENT), docs=["kept.txt", UPLOAD]
)
STRUCT = DraftStruct("Abc", Status.LIVE, Decimal("1.5"), InnerStruct(MOMENT), ["kept.txt", UPLOAD])
INSTANCES: list[Any] = [
    pytest.param(
        DATACLASS,
        COMMON | {"title": "Abc", "inner": {"at": MOMENT_TEXT}, "lock": None, "slug": "abc"},
        id="dataclass",
    ),
    pytest.param(MODEL, COMMON | {"theTitle": "Abc", "inner": {"atTime": MOMENT_TEXT}}, id="pydantic"),
    pytest.param(
        STRUCT, COMMON | {"theTitle": "Abc", "inner": {"type": "inner", "atTime": MOMENT_TEXT}, "n": 0}, id="msgspec"
    ),
]


def recording_client(seen: list[Request]) -> PocketBase:
    def handler(request: Request) -> Response:
        seen.append(request)
        if "batch" in request.url:
            return Response(200, json=[{"status": 200, "body": {"id": "a"}}] * len(request.body["requests"]))
        return Response(200, json={"id": "a"})

    return PocketBase("http://h", transport=MockTransport(handler))


@pytest.mark.parametrize(("body", "sent"), INSTANCES)
async def test_an_instance_of_the_users_class_is_a_body_with_all_of_its_fields(body: Any, sent: dict[str, Any]) -> None:
    seen: list[Request] = []
    pb = recording_client(seen)
    await pb.collection("posts").create(body)
    await pb.collection("posts").update("a", body)
    await pb.send("/api/custom", method="POST", body=body)
    for request in seen:
        assert request.body == sent
        assert request.files == (("docs", UPLOAD.files[0]),), "a file is never copied"
    assert len(seen) == 3


@pytest.mark.parametrize(("body", "sent"), INSTANCES)
async def test_an_instance_is_a_body_in_a_batch(body: Any, sent: dict[str, Any]) -> None:
    seen: list[Request] = []
    batch = recording_client(seen).create_batch()
    batch.collection("posts").create(body)
    batch.collection("posts").update("a", body)
    batch.collection("posts").upsert(body)
    await batch.send()
    assert [request["body"] for request in seen[0].body["requests"]] == [sent] * 3
    assert [name for name, _ in seen[0].files] == [f"requests.{number}.docs+" for number in range(3)]


@pytest.mark.parametrize(("body", "sent"), INSTANCES)
async def test_an_instance_may_be_a_json_value_of_a_field(body: Any, sent: dict[str, Any]) -> None:
    seen: list[Request] = []
    inner: Any = body.inner
    await recording_client(seen).collection("posts").create({"data": [inner, {"more": inner}]})
    assert seen[0].body == {"data": (sent["inner"], {"more": sent["inner"]})}


class Settings(pydantic.BaseModel):
    theme: str = "light"
    size: int = 1


class Profile(pydantic.BaseModel):
    name: str = pydantic.Field(default="", alias="theName")
    bio: str = ""
    settings: Settings = Settings()


async def test_an_update_leaves_out_the_fields_of_a_model_that_were_not_set() -> None:
    seen: list[Request] = []
    pb = recording_client(seen)
    profile = Profile(settings=Settings(size=2))
    profile.name = "Ann"
    batch = pb.create_batch()
    batch.collection("posts").update("a", profile)
    batch.collection("posts").upsert(profile)
    await pb.collection("posts").update("a", profile)
    await pb.collection("posts").create(profile)
    await batch.send()
    changed = {"theName": "Ann", "settings": {"theme": "light", "size": 2}}
    complete = changed | {"bio": ""}
    assert [request.body for request in seen[:2]] == [changed, complete], "a value in a body is always complete"
    assert [each["body"] for each in seen[2].body["requests"]] == [changed, complete]


@dataclass
class Renamed:
    class_: str = field(metadata={"pocketbase": "class"})


async def test_a_field_of_a_dataclass_may_have_another_name_in_the_body() -> None:
    seen: list[Request] = []
    await recording_client(seen).collection("posts").create(Renamed("x"))
    assert seen[0].body == {"class": "x"}


@dataclass
class DataclassWithDump:
    model_dump: str = ""


class StructWithDump(msgspec.Struct):
    model_dump: str = ""


@pytest.mark.parametrize("body_class", [DataclassWithDump, StructWithDump])
async def test_a_field_may_have_the_name_of_a_method_of_pydantic(body_class: Any) -> None:
    seen: list[Request] = []
    await recording_client(seen).collection("posts").create(body_class("x"))
    assert seen[0].body == {"model_dump": "x"}


async def test_a_dataclass_is_not_copied_deeply() -> None:
    seen: list[Request] = []
    lock = threading.Lock()
    with pytest.raises(PocketBaseInputTypeError, match=r"body\['lock'\] is of type lock"):
        await (
            recording_client(seen)
            .collection("posts")
            .create(Draft("a", Status.LIVE, Decimal(1), Inner(MOMENT), [], lock))
        )


@pytest.mark.parametrize("body", [None, "title", ["title"], 3, Draft, DraftModel, DraftStruct, Status.LIVE, UPLOAD])
async def test_any_other_object_is_an_error_that_names_what_a_body_may_be(body: Any) -> None:
    seen: list[Request] = []
    posts = recording_client(seen).collection("posts")
    words = "a body must be a dict, or an instance of a dataclass, pydantic model or msgspec Struct, not "
    for change in (posts.create(body), posts.update("a", body)):
        with pytest.raises(PocketBaseInputTypeError, match=words):
            await change
    assert not seen


async def test_an_empty_id_of_an_instance_is_left_out_and_one_of_a_dict_is_sent() -> None:
    @dataclass
    class Post:
        id: str | None
        title: str

    seen: list[Request] = []
    posts = recording_client(seen).collection("posts")
    for empty in ("", None):
        await posts.update("a", Post(empty, "x"))
    await posts.update("a", Post("a", "x"))
    await posts.create({"id": "", "title": "x"})
    assert [request.body.get("id", "none") for request in seen] == ["none", "none", "a", ""]


class Words(pydantic.RootModel[list[str]]):
    """A model that is a list in the JSON."""


async def test_a_pydantic_model_that_is_no_dict_is_a_json_value_but_no_body() -> None:
    seen: list[Request] = []
    posts = recording_client(seen).collection("posts")
    await posts.create({"data": Words(["a"])})
    assert seen[0].body == {"data": ("a",)}
    with pytest.raises(PocketBaseInputTypeError, match="not Words"):
        await posts.create(Words(["a"]))


async def test_the_upsert_of_the_signed_in_record_updates_the_auth_store() -> None:
    @dataclass
    class User:
        id: str
        name: str

    def handler(request: Request) -> Response:
        body = {"id": "u", "collectionName": "users", "name": "new"}
        return Response(200, json=[{"status": 200, "body": body}])

    pb = PocketBase("http://h", transport=MockTransport(handler))
    pb.auth_store.save("token", {"id": "u", "collectionId": "c", "collectionName": "users", "name": "old"})
    batch = pb.create_batch()
    batch.collection("users").upsert(User("u", "new"))
    await batch.send()
    assert isinstance(pb.auth_store.record, Mapping)
    assert pb.auth_store.record["name"] == "new"
