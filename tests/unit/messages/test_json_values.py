"""Another JSON library in place of the standard one."""

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pocketbase_core import FileUpload, PocketBase, PocketBaseBadRequestError, PocketBaseDecodeError, Request, Response
from pocketbase_core.messages.json_values import default_dumps, default_loads
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import answering, echoing, scripted_server
from pocketbase_transports import MockTransport


class Marked:
    """A JSON library that shows where it was used."""

    class Error(Exception):
        """Not a ValueError."""

    def __init__(self) -> None:
        self.read: list[Any] = []

    def loads(self, text: str | bytes) -> Any:
        try:
            self.read.append(json.loads(text))
        except ValueError as error:
            raise self.Error("broken") from error
        return self.read[-1]

    def dumps(self, value: Any) -> str:
        return json.dumps({**value, "marked": True})


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(json.dumps)
SPACE = st.sampled_from(["", " ", "\n", "\r\n\t", "\u00a0", "\ufeff", "x", "1", "\0"])


@given(st.tuples(SPACE, JSON | st.text(max_size=5), SPACE).map("".join), st.sampled_from(["utf-8", "utf-16", ""]))
@example("[" * 100_000, "utf-8")
def test_the_default_reads_what_the_standard_library_reads(text: str, encoding: str) -> None:
    outcomes: list[Any] = []
    for loads in (default_loads, json.loads):
        try:
            outcomes.append(repr(loads(text.encode(encoding, "surrogatepass") if encoding else text)))
        except (ValueError, RecursionError) as error:
            outcomes.append(f"{type(error)} {error}")
    assert outcomes[0] == outcomes[1]


def test_the_default_encoder_writes_compact_json_and_rejects_nan() -> None:
    assert default_dumps({"a": [1, "ü"], "b": None}) == '{"a":[1,"ü"],"b":null}'
    with pytest.raises(ValueError, match="JSON compliant"):
        default_dumps(float("nan"))


@pytest.mark.parametrize("error", [ValueError("a"), json.JSONDecodeError("a", "", 0), RecursionError("a")])
def test_a_value_error_or_recursion_error_of_loads_is_not_converted(error: Exception) -> None:
    def loads(text: str | bytes) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        Response(200, loads=loads).json()
    assert caught.value is error


@given(st.binary(max_size=12))
def test_bytes_that_are_no_text(content: bytes) -> None:
    for loads in (default_loads, json.loads):
        with contextlib.suppress(ValueError):
            loads(content)


async def test_the_json_library_of_the_client_encodes_bodies_and_decodes_responses(transport: Transport) -> None:
    marked = Marked()
    async with scripted_server(answering('{"id": "a"}')) as server:
        pb = PocketBase(server.url, transport=transport, json_loads=marked.loads, json_dumps=marked.dumps)
        posts = pb.collection("posts")
        await posts.create({"a": {"b": [1]}})
        await posts.create({"a": 1, "docs": FileUpload(("a.txt", "text"))})
        pb.auth_store.save("token")
        await posts.create({"a": 2})
    plain, multipart, signed_in = [request.body for request in server.requests]
    assert json.loads(plain) == {"a": {"b": [1]}, "marked": True}
    assert b'{"a": 1, "marked": true}' in multipart
    assert json.loads(signed_in) == {"a": 2, "marked": True}
    assert marked.read == [{"id": "a"}] * 3


@pytest.mark.parametrize(
    ("status", "error"), [(400, PocketBaseBadRequestError), (200, PocketBaseDecodeError)], ids=["refused", "broken"]
)
async def test_the_json_library_of_the_client_decodes_errors_too(status: int, error: Any) -> None:
    marked = Marked()
    content = b'{"message": "No."}' if status == 400 else b"<html>"
    pb = PocketBase(
        "http://h", transport=MockTransport(lambda _: Response(status, (), content)), json_loads=marked.loads
    )
    with pytest.raises(error, match=r"No\." if status == 400 else "expected JSON"):
        await pb.health.check()
    assert marked.read == ([{"message": "No."}] if status == 400 else [])


async def test_requests_and_responses_of_hooks_keep_the_json_library() -> None:
    marked = Marked()
    seen: list[Request] = []

    class Hooked(PocketBase):
        async def before_send(self, request: Any) -> Any:
            request.body["hooked"] = True
            return request

        async def after_send(self, response: Response) -> Response:
            assert response.json() == {"id": "a"}
            return response.replace(status_code=201)

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={"id": "a"})

    pb = Hooked("http://h", transport=MockTransport(handler), json_loads=marked.loads, json_dumps=marked.dumps)
    await pb.collection("posts").create({"a": 1})
    assert seen[0].client_options.json_dumps(dict(seen[0].body)) == '{"a": 1, "hooked": true, "marked": true}'
    assert marked.read == [{"id": "a"}] * 2


async def test_a_record_is_encoded_and_decoded_by_orjson(transport: Transport) -> None:
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport, json_loads=orjson.loads, json_dumps=orjson.dumps)
        body = {"text": "ü\u2028", "list": [{"a": None}], "n": 1.5}
        assert await pb.collection("posts").create(body) == body
    with pytest.raises(ValueError, match="nan"):
        await pb.collection("posts").create({"n": float("nan")})


async def test_a_dumps_that_returns_neither_text_nor_bytes_is_a_type_error(transport: Transport) -> None:
    wrong: Any = dict
    pb = PocketBase("http://127.0.0.1:9", transport=transport, json_dumps=wrong)
    with pytest.raises(TypeError, match="json_dumps returned dict"):
        await pb.collection("posts").create({"n": 1})
