"""Bodies of requests: JSON values, and raw content."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBaseInputError, Request
from pocketbase_core.errors import PocketBaseInputTypeError
from pocketbase_core.messages import Headers, RequestDraft
from pocketbase_core.messages.body import check_content_type
from pocketbase_core.messages.uploads import File

CSV = {"Content-Type": "text/csv"}


async def chunks() -> AsyncGenerator[bytes, None]:
    yield b"secret"


def check(content_type: str, body: Any, files: int) -> None:
    headers = Headers({"content-type": content_type} if content_type else {})
    check_content_type(headers, body, tuple(("f", FileUpload(("a", b"")).files[0]) for _ in range(files)))


@pytest.mark.parametrize("body", [b"secret", bytearray(b"secret"), memoryview(b"secret")])
def test_bytes_are_a_body_as_they_are(body: Any) -> None:
    request = Request("POST", "/", headers=CSV, body=body)
    assert type(request.body) is bytes
    assert request.body == b"secret"
    assert request == Request("POST", "/", headers=CSV, body=b"secret")
    assert request.replace(method="PUT").body is request.body
    assert request.sources == ()
    assert "secret" not in repr(request)


def test_a_change_of_the_callers_bytes_changes_no_request() -> None:
    body = bytearray(b"before")
    request = Request("POST", "/", body=body)
    body[:] = b"after!"
    assert request.body == b"before"


async def test_an_async_iterable_or_a_file_is_a_body_that_is_read() -> None:
    generator = chunks()
    for body in (generator, FileUpload(("a.txt", "secret")), asyncio.StreamReader()):
        request = Request("POST", "/", body=body)
        assert isinstance(request.body, File)
        assert request.sources == (request.body,)
        assert request.replace(timeout=3.0).body is request.body, "the copy knows too that the source was read"
        assert RequestDraft.from_request(request).freeze() == request
        assert "secret" not in repr(request)
        assert "secret" not in repr(request.body)
    assert Request("POST", "/", body=generator) == Request("POST", "/", body=generator)
    assert Request("POST", "/", body=generator) != Request("POST", "/", body=chunks())


def test_the_sources_of_a_request_are_its_body_and_its_files() -> None:
    file = FileUpload(("a.txt", "a")).files[0]
    assert Request("POST", "/", body={"a": 1}, files=(("f", file), ("g", file))).sources == (file, file)


def test_a_draft_shows_raw_bodies_and_takes_them() -> None:
    draft = RequestDraft.from_request(Request("POST", "/", headers=CSV, body=b"a,b"))
    assert draft.body == b"a,b"
    draft.body += b"\n1,2"
    assert draft.freeze().body == b"a,b\n1,2"
    draft.body = {"a": 1}
    assert draft.freeze().body == {"a": 1}
    draft.body = open  # no JSON value
    with pytest.raises(PocketBaseInputTypeError, match="which JSON cannot represent"):
        draft.freeze()


@pytest.mark.parametrize(
    ("content_type", "body", "files"),
    [
        ("", None, 0),
        ("text/csv", None, 0),
        ("", {"a": 1}, 0),
        ("application/json", {"a": 1}, 0),
        ("Application/JSON; charset=utf-8", "text", 0),
        ("application/merge-patch+json", {"a": 1}, 0),
        ("text/csv", b"", 0),
        ("application/json", b"{}", 0),
        ("", {"a": 1}, 1),
        ("multipart/form-data", {"a": 1}, 1),
        ("application/json", None, 1),
    ],
)
def test_content_types_that_fit_the_body(content_type: str, body: Any, files: int) -> None:
    check(content_type, body, files)


@pytest.mark.parametrize(
    ("content_type", "body", "files", "words"),
    [
        ("text/csv", {"a": 1}, 0, "sent as JSON, which is not 'text/csv'"),
        ("application/x-www-form-urlencoded", {"a": 1}, 0, "sent as JSON"),
        ("multipart/form-data", {"a": 1}, 0, "sent as JSON"),
        ("application/jsonp", [1], 0, "sent as JSON"),
        ("text/csv", "text", 0, "sent as JSON"),
        ("text/csv", {"a": 1}, 1, "sent as JSON"),
        ("", b"x", 0, "needs a Content-Type"),
        ("text/csv", b"x", 1, "the body must be a JSON value"),
    ],
)
def test_content_types_that_do_not_fit_the_body(content_type: str, body: Any, files: int, words: str) -> None:
    with pytest.raises(PocketBaseInputError, match=words):
        check(content_type, body, files)
