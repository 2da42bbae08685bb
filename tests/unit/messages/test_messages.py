"""Requests, responses, headers: frozen, checked, and silent about secrets."""

import copy
import json
import pickle
import sys
import time
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from pocketbase_core import FileUpload, Headers, PocketBase, PocketBaseInputError, Request, Response, ServerSentEvent
from pocketbase_core.messages import ClientOptions, RequestDraft
from pocketbase_core.middleware import Handler
from pocketbase_transports import MockTransport


def test_header_names_match_without_case_and_the_repr_hides_secrets() -> None:
    headers = Headers([("Authorization", "tok-en"), ("X-A", "1"), ("x-a", "2"), ("Cookie", "c"), ("Set-Cookie", "s")])
    headers |= {"Proxy-Authorization": "p"}
    assert headers["AUTHORIZATION"] == "tok-en"
    assert headers["x-A"] == "1, 2"
    assert "X-a" in headers
    assert "x-b" not in headers
    assert dict(Headers({"A": "1"}) | {"a": "2", "b": "3"}) == {"a": "2", "b": "3"}
    assert Headers({"A": "1"}) == {"a": "1"}
    assert "tok-en" not in repr(headers)
    assert "'c'" not in repr(headers)
    assert "'s'" not in repr(headers)
    assert "'p'" not in repr(headers)
    assert "'x-a': '1, 2'" in repr(headers)
    frozen: Any = headers
    with pytest.raises(TypeError):
        frozen["X-A"] = "3"


def params_of(request: Request) -> Any:
    return request.params


def test_a_request_never_changes() -> None:
    body: dict[str, Any] = {"list": [1, {"a": 2}], "when": datetime(2024, 1, 2, 3, 4, 5, 678999)}
    params: dict[str, Any] = {"q": "1"}
    request = Request("POST", "http://h/p", params, Headers({"A": "1"}), body)
    body["list"][1]["a"] = 3
    params["q"] = "2"
    assert request.body["list"][1]["a"] == 2
    assert request.params["q"] == "1"
    for change in (
        lambda: setattr(request, "url", "x"),
        lambda: request.body.update(a=1),
        lambda: request.body["list"][1].update(a=1),
        lambda: request.body["list"].append(1),
        lambda: params_of(request).update(a="1"),
    ):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            change()
    other = request.with_header("a", "2").replace(method="PUT")
    assert (request.headers["A"], request.method) == ("1", "POST")
    assert (other.headers["A"], other.method) == ("2", "PUT")
    assert request.body["when"] == "2024-01-02 03:04:05.678Z"


def test_the_body_of_a_request_is_available_as_plain_values() -> None:
    body = {"tags": ["a", "b"], "data": {"list": [{"n": 1}]}, "none": None}
    request = Request("POST", "http://h/p", body=body)
    assert request.json() == body
    assert json.loads(json.dumps(request.json())) == body
    request.json()["tags"].append("c")
    assert request.json() == body, "the request has changed"
    assert RequestDraft.from_request(request).json() == body
    assert Request("GET", "http://h/p").json() is None
    assert Request("POST", "http://h/p", body=[1, (2,)]).json() == [1, [2]]


def test_a_raw_body_is_decoded_as_json_or_an_error() -> None:
    assert Request("POST", "http://h/p", body=b'{"a": [1]}').json() == {"a": [1]}
    for body in (b"a,b", FileUpload(("a.json", b"{}"))):
        with pytest.raises(ValueError, match=r"Expecting value|the body is read while the request is sent"):
            Request("POST", "http://h/p", body=body).json()


def test_the_reprs_of_messages_show_no_secret() -> None:
    headers = Headers({"Authorization": "tok"})
    request = Request("PUT", "http://h/p?x=tok", {"token": "tok"}, headers, {"p": "tok"})
    assert "tok'" not in repr(request)
    assert "=tok" not in repr(request)
    assert "tok'" not in repr(RequestDraft.from_request(request))
    assert "tok" not in repr(Response(200, {"Set-Cookie": "tok"}, b"tok", "http://h/p?x=tok"))
    assert repr(request) == "<Request PUT http://h/p params=['token'] Headers({'Authorization': '[hidden]'})>"
    assert repr(Response(200, {}, b"tok", "http://h/p?x=tok")) == "<Response 200 http://h/p 3 bytes Headers({})>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 2, 3, 4, 5), "2024-01-02 03:04:05.000Z"),
        (datetime(2024, 1, 2, 3, 4, 5, 1000), "2024-01-02 03:04:05.001Z"),
        (datetime(2024, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2024-01-01 23:00:00.000Z"),
        (date(2024, 1, 2), "2024-01-02 00:00:00.000Z"),
        (datetime(7, 1, 2), "0007-01-02 00:00:00.000Z"),
    ],
)
def test_dates_are_written_in_utc(value: date, text: str) -> None:
    assert Request("POST", "/", body={"a": [value]}).body["a"][0] == text


def test_naive_dates_are_utc_in_any_time_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        naive, aware = datetime(2024, 1, 2, 3), datetime(2024, 1, 2, 3, tzinfo=UTC)
        assert Request("POST", "/", body=[naive, aware]).body == ("2024-01-02 03:00:00.000Z",) * 2
    time.tzset()


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"a": {"b": [float("nan")]}}, ValueError, r"body\['a'\]\['b'\]\[0\] is nan"),
        ({"a": float("-inf")}, ValueError, "inf"),
        *[({"a": kind(b"x")}, TypeError, "and files as FileUpload$") for kind in (bytes, bytearray, memoryview)],
        ({1: "x"}, TypeError, "keys must be text"),
        ({"a": {1, 2}}, TypeError, "set"),
        ({"a": object()}, TypeError, "object, which JSON cannot represent$"),
    ],
)
def test_a_body_without_a_json_form_is_an_error_that_names_the_value(
    body: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Request("POST", "/", body=body)


@pytest.mark.parametrize(
    "headers",
    [
        *[{"A\n": "1"}, {"": "1"}, {"a b": "1"}, {"A": "1\r\nB: 2"}, {"A": "\0"}, {"A": "ü"}],
        *[{"A": " 1"}, {"A": "1 "}, {"A": "\t1"}, {"A": "1\t"}, {"A": " "}],
    ],
)
def test_a_header_that_cannot_be_sent_is_an_error(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        Request("GET", "/", headers=Headers(headers))


def test_headers_that_are_added_to_a_request_are_checked_too() -> None:
    checked = Request("GET", "/", headers={"A": "1"}).headers
    for headers in (checked | {"B": "\n"}, Headers({"B": "\n"}) | checked):
        with pytest.raises(ValueError, match="header 'B'"):
            Request("GET", "/", headers=headers)


def test_a_header_must_be_text() -> None:
    wrongs: list[Any] = [{"A": 1}, {b"A": "1"}, {3: "1"}]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="must be text"):
            Request("GET", "/", headers=Headers(wrong))


def test_a_response_decodes_its_body_and_its_retry_after() -> None:
    response = Response(200, json={"a": "ü"})
    assert response.json() == {"a": "ü"}
    assert response.text == '{"a": "ü"}'
    assert response.headers["content-type"] == "application/json"
    assert Response(200, json=None).content == b"null"
    assert (Response(204).content, Response(204).url) == (b"", "")
    assert Response(200, content=b"\xff").text == "\ufffd"
    changed = response.replace(status_code=201)
    assert (changed.status_code, changed.content, response.status_code) == (201, response.content, 200)
    frozen: Any = response
    with pytest.raises(FrozenInstanceError):
        frozen.status_code = 5


async def test_a_request_that_a_middleware_keeps_never_changes() -> None:
    kept: list[Request] = []
    seen: list[Request] = []

    async def keep(request: Request, call_next: Handler) -> Response:
        kept.append(request)
        return await call_next(request)

    async def change(request: Request, call_next: Handler) -> Response:
        frozen: Any = request.headers
        with pytest.raises(TypeError):
            frozen["X"] = "1"
        with pytest.raises(TypeError):
            request.body["title"] = "changed"
        return await call_next(
            request.with_header("X", "changed").replace(body={"title": "changed"}, params={"a": "b"})
        )

    class Hooked(PocketBase):
        async def before_send(self, request: Any) -> Any:
            request.body["tags"].append("hooked")
            request.headers["X"] = "hook"
            return request

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={})

    pb = Hooked("http://h", transport=MockTransport(handler), middleware=[keep, change])
    body = {"title": "mine", "tags": ["a"]}
    await pb.collection("posts").create(body)
    assert body == {"title": "mine", "tags": ["a"]}
    assert (kept[0].headers["X"], kept[0].body["title"], dict(kept[0].params)) == ("hook", "mine", {})
    assert kept[0].body["tags"] == ("a", "hooked")
    assert (seen[0].headers["X"], seen[0].body["title"], dict(seen[0].params)) == ("changed", "changed", {"a": "b"})


def test_the_full_url_contains_the_query() -> None:
    assert Request("GET", "http://h/p").full_url == "http://h/p"
    assert Request("GET", "http://h/p", {"a": ("1", "&"), "b": "ü"}).full_url == "http://h/p?a=1&a=%26&b=%C3%BC"
    assert Request("GET", "http://h/p?x=1", {"a": "1"}).full_url == "http://h/p?x=1&a=1"


def test_messages_that_differ_in_their_json_library_only_are_equal() -> None:
    assert Request("GET", "/", client_options=ClientOptions(json_dumps=repr)) == Request("GET", "/")
    assert Response(200, loads=len) == Response(200)


def test_headers_equal_a_mapping_of_the_same_headers_and_nothing_else() -> None:
    assert Headers({"A": "1"}) == {"a": "1"}
    assert Headers({"A": "1"}) != {"a": "2"}
    assert (Headers({"A": "1"}) == 3) is False
    number: Any = 3
    assert number not in Headers({"A": "1"})


def test_a_draft_that_is_not_edited_freezes_to_an_equal_request() -> None:
    files = tuple(("f", file) for file in FileUpload(("a.txt", b"x")).files)
    request = Request(
        "POST", "http://h", {"a": "1"}, {"A": "1"}, {"b": [1]}, files, 3.0, ClientOptions(repr, max_response_bytes=9)
    )
    frozen = RequestDraft.from_request(request).freeze()
    assert frozen == request
    assert frozen.client_options is request.client_options


def test_a_body_that_is_too_deep_for_an_editable_copy_is_an_input_error() -> None:
    levels = sys.getrecursionlimit() // 2
    body: dict[str, Any] = {}
    for _ in range(levels):
        body = {"inner": body}
    request = Request("POST", "/", body=body)

    def make_draft(calls: int) -> RequestDraft:
        return make_draft(calls - 1) if calls else RequestDraft.from_request(request)

    with pytest.raises(PocketBaseInputError, match="nested too deep"):
        make_draft(levels)


def test_a_draft_can_lose_a_header_and_be_replaced() -> None:
    draft = RequestDraft.from_request(Request("GET", "/", headers={"A": "1", "B": "2"}))
    del draft.headers["a"]
    assert draft.freeze().headers == {"B": "2"}
    assert draft.replace(method="POST").method == "POST"
    assert draft.with_header("B", "3").headers == {"B": "3"}
    assert draft.with_headers(Headers({"b": "4", "C": "5"})).headers == {"B": "4", "C": "5"}


def test_a_retry_after_without_a_time_zone_is_utc() -> None:
    later = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert 50 < (Response(429, {"Retry-After": later}).retry_after() or 0) <= 60


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "1e3", "Mon, 31 Feb 2024 00:00:00 GMT", "9" * 30 + " Jan 2024 1:2 +", "1 Jan " + "9" * 30],
)
def test_a_retry_after_that_is_not_valid_is_none(value: str) -> None:
    assert Response(429, {"Retry-After": value}).retry_after() is None


def test_a_retry_after_in_another_time_zone_is_converted() -> None:
    later = datetime.now(timezone(timedelta(hours=1))) + timedelta(seconds=60)
    header = later.strftime("%a, %d %b %Y %H:%M:%S %z")
    assert 50 < (Response(429, {"Retry-After": header}).retry_after() or 0) <= 60


def test_an_event_without_fields_has_the_defaults_of_the_standard() -> None:
    assert ServerSentEvent() == ("message", "", "")


async def test_a_mapping_proxy_of_the_caller_is_copied_and_checked() -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={})

    posts = PocketBase("http://h", transport=MockTransport(handler)).collection("posts")
    inner = {"n": 1}
    body = MappingProxyType({"data": MappingProxyType(inner)})
    await posts.create(body)
    inner["n"] = 2
    assert seen[0].body == {"data": {"n": 1}}
    with pytest.raises(ValueError, match="nan"):
        await posts.create({"data": MappingProxyType({"n": float("nan")})})


def of_pickle(message: Any) -> Any:
    return pickle.loads(pickle.dumps(message))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, of_pickle])
def test_messages_can_be_copied_and_pickled(again: Any) -> None:
    options = ClientOptions(max_response_bytes=7)
    request = Request("POST", "http://h/a", {"b": ("c", "d")}, {"E": "f"}, {"g": [{"h": 1}]}, (), 2.5, options)
    assert again(request) == request
    assert again(request).client_options.max_response_bytes == 7
    response = Response(201, Headers.deferred({"A": "b"}.items), b"[1]", "http://h/a", loads=json.loads)
    assert again(response) == response
    assert again(response).loads is json.loads


def test_deferred_headers_are_read_when_they_are_first_needed_and_once() -> None:
    reads = list[None]()

    def read() -> list[tuple[str, str]]:
        reads.append(None)
        return [("A", "b"), ("a", "c")]

    headers = Headers.deferred(read)
    assert not reads
    assert headers["A"] == "b, c"
    assert headers.to_dict() == {"a": "b, c"}
    assert len(reads) == 1


def test_a_dict_of_headers_can_be_edited_without_effect_on_them() -> None:
    request = Request("GET", "http://h", headers={"A": "b"})
    request.headers.to_dict()["A"] = "c"
    assert request.headers.to_dict() == {"A": "b"}
    draft = RequestDraft.from_request(request)
    assert draft.headers.to_dict() == {"A": "b"}
    draft.headers["A"] = "d"
    assert draft.headers.to_dict() == {"A": "d"}
    del draft.headers["A"]
    assert draft.headers.to_dict() == {}
