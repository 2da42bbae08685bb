"""What the objects of the library look like in a console and in a log: never with a token or a password."""

import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, EventStream, FileAuthStore, PocketBase, Response
from pocketbase_core.realtime.event_queue import EventQueue
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport, MockTransport, PyreqwestTransport

from ..helpers.tokens import token


@dataclass
class Post:
    id: str


def client() -> PocketBase:
    return PocketBase("http://h/pb/", transport=MockTransport(lambda _: Response(200)))


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"email": "user@example.com", "username": "user", "id": "u1"}, "user@example.com"),
        ({"email": "", "username": "user", "id": "u1"}, "user"),
        ({"id": "u1"}, "u1"),
        ({"id": 3, "email": ["a"]}, "u1"),
        ({}, "u1"),
        (None, "u1"),
        ({"email": "a\n\x1b[31m@b.c"}, r"a\n\x1b[31m@b.c"),
        ({"email": "ü@b.c"}, "ü@b.c"),
        ({"email": "a" * 1000}, "a" * 80),
    ],
)
def test_a_client_and_its_store_show_who_is_signed_in_and_not_the_token(record: Any, name: str) -> None:
    pb = client()
    pb.auth_store.save(token(60), record)
    assert repr(pb) == f"PocketBase('http://h/pb', {name})"
    assert repr(pb.auth_store) == f"AuthStore({name})"


def test_a_token_that_cannot_be_read_is_an_unknown_user() -> None:
    pb = client()
    pb.auth_store.save("secret")
    assert repr(pb) == "PocketBase('http://h/pb', unknown user)"


async def test_each_object_has_a_short_repr(tmp_path: Any) -> None:
    pb = client()
    posts, batch = pb.collection("posts"), pb.create_batch()
    batch.collection("posts").create({"password": "secret"})
    queued = batch.collection("posts").delete("a")

    async def save(text: str) -> None: ...

    class MyClient(PocketBase): ...

    expected = {
        "PocketBase('http://h/pb')": pb,
        "MyClient('http://h')": MyClient("http://h"),
        "RecordService('posts')": posts,
        "RecordService('posts', Post)": pb.collection("posts", Post),
        "AuthService('posts')": posts.auth,
        "Batch(2 changes)": batch,
        "BatchRecords('posts', Post)": batch.collection("posts", Post),
        "Queued(1, waiting)": queued,
        "AuthStore()": AuthStore(),
        "FileAuthStore()": FileAuthStore(tmp_path / "auth.json"),
        "AsyncAuthStore()": AsyncAuthStore(save),
        "FileService('http://h/pb')": pb.files,
        "CollectionService('http://h/pb')": pb.collections,
        "SettingsService('http://h/pb')": pb.settings,
        "Realtime('http://h/pb')": pb.realtime,
        "Pipeline('http://h/pb')": pb.pipeline,
        "EventStream('posts/*')": EventStream[Any]("posts/*?options=secret", EventQueue("posts/*", 1, time.time), str),
        "LocalServer(not started)": LocalServer(),
        "MockTransport()": MockTransport(lambda _: Response(200)),
        "AiohttpTransport()": AiohttpTransport(),
        "HttpxTransport()": HttpxTransport(),
        "PyreqwestTransport()": PyreqwestTransport(),
    }
    assert [repr(each) for each in expected.values()] == [*expected]
    assert repr(pb.create_batch()) == "Batch(0 changes)"
    async with aiohttp.ClientSession() as session:
        assert repr(AiohttpTransport(session)) == "AiohttpTransport()"


def test_the_superuser_of_a_local_server_hides_the_password() -> None:
    server = LocalServer()
    assert repr(server.superuser) == "Superuser('admin@example.com')"
    assert server.superuser.password not in repr(vars(server))


def test_a_client_that_is_being_created_has_a_repr() -> None:
    class Mine(PocketBase):
        def __init__(self) -> None:
            self.shown = repr(self)
            super().__init__("http://h")

    assert "Mine object at" in Mine().shown
