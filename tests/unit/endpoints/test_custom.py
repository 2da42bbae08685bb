"""Calls of custom routes, on a mock transport."""

import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseInputError,
    PocketBaseNotFoundError,
    Request,
    Response,
)
from pocketbase_core.messages import RequestDraft
from pocketbase_core.messages.uploads import File
from pocketbase_core.middleware import BeforeSend, Logging, Retry
from pocketbase_core.testing.contract.scripted_server import echoing, scripted_server
from pocketbase_transports import AiohttpTransport, MockTransport

CSV = {"Content-Type": "text/csv"}


def client(response: Response | Exception, **settings: Any) -> tuple[PocketBase, list[Request]]:
    """Return a client and the list of its requests."""
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    return PocketBase("http://h", transport=MockTransport(handler), **settings), seen


async def chunks() -> AsyncGenerator[bytes, None]:
    yield b"a,b"


@pytest.mark.parametrize(
    ("body", "headers", "sent"),
    [
        ("a,ü", CSV, "a,ü".encode()),
        ("a,ü", {"content-type": 'text/csv; charset="UTF-8"'}, "a,ü".encode()),
        ('{"a": 1}', {"Content-Type": "application/json"}, b'{"a": 1}'),
        ("", CSV, b""),
        (b"\xff", CSV, b"\xff"),
        ("a,b", {}, "a,b"),
        ({"a": 1}, {"Content-Type": "application/json"}, {"a": 1}),
        ([1, None], {}, (1, None)),
    ],
)
async def test_the_request_shows_what_is_sent(body: Any, headers: dict[str, str], sent: Any) -> None:
    pb, seen = client(Response(200, json={}))
    await pb.send("/x", method="POST", body=body, headers=headers)
    await pb.send_raw("/x", {"method": "post", "body": body, "headers": headers})
    async with pb.stream("/x", method="POST", body=body, headers=headers):
        pass
    assert [request.body for request in seen] == [sent] * 3
    assert seen[0] == seen[1] == seen[2]


async def test_middleware_sees_an_iterator_and_a_file_as_a_source() -> None:
    pb, seen = client(Response(200, json={}))
    for body in (chunks(), FileUpload(("a.csv", b"a,b"))):
        await pb.send("/x", method="POST", body=body, headers=CSV)
        assert isinstance(seen[-1].body, File)
        assert [chunk async for chunk in seen[-1].body.chunks()] == [b"a,b"]


async def test_a_response_that_is_not_json_leads_to_send_raw() -> None:
    pb, _ = client(Response(200, CSV, b"a,b"))
    with pytest.raises(PocketBaseDecodeError, match="3 bytes of 'text/csv'; send_raw returns any body"):
        await pb.send("/x")
    response = await pb.send_raw("/x")
    assert (response.status_code, response.text, response.headers["content-type"]) == (200, "a,b", "text/csv")
    with pytest.raises(PocketBaseDecodeError, match=r"3 bytes of 'text/csv' \["):
        await pb.health.check()


async def test_send_raw_raises_for_an_error_status() -> None:
    pb, _ = client(Response(404, json={"message": "No such report."}))
    with pytest.raises(PocketBaseNotFoundError, match=r"No such report\."):
        await pb.send_raw("/x")


async def test_a_subclass_may_override_send() -> None:
    class Own(PocketBase):
        async def send(self, path: str, options: Any = None, **keywords: Any) -> Any:
            return {"own": await super().send(path, options, **keywords)}

    assert await Own("http://h", transport=MockTransport(lambda _: Response(200, json=1))).send("/x") == {"own": 1}


@pytest.mark.parametrize("body", [b"a,b", "iterator"])
async def test_a_hook_may_set_a_raw_body(body: Any) -> None:
    def hook(draft: RequestDraft) -> RequestDraft:
        assert draft.body == {"a": 1}
        draft.body = chunks() if body == "iterator" else body
        draft.headers["Content-Type"] = "text/csv"
        return draft

    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=AiohttpTransport(), middleware=[BeforeSend(hook)])
        response = await pb.send_raw("/x", method="POST", body={"a": 1})
        await pb.aclose()
    assert response.content == b"a,b"
    assert server.requests[0].headers["content-type"] == "text/csv"


@pytest.mark.parametrize("body", ["a,b", {"a": 1}])
async def test_a_hook_cannot_send_json_as_another_content_type(body: Any) -> None:
    def hook(draft: RequestDraft) -> RequestDraft:
        draft.body = body
        draft.headers["Content-Type"] = "text/csv"
        return draft

    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=AiohttpTransport(), middleware=[BeforeSend(hook)])
        with pytest.raises(PocketBaseInputError, match="the body is sent as JSON, which is not 'text/csv'"):
            await pb.send_raw("/x", method="POST", body={"a": 1})
        await pb.aclose()
    assert server.requests == []


async def test_a_source_that_can_be_read_once_is_sent_once() -> None:
    error = PocketBaseConnectionError("http://h", request_sent=False)
    for body, attempts in ((chunks(), 1), (FileUpload(("a", chunks())), 1), (FileUpload(("a", b"")), 3), (b"a", 3)):
        pb, seen = client(error, middleware=[Retry(backoff=0.001)])
        with pytest.raises(PocketBaseConnectionError):
            await pb.send("/x", method="POST", body=body, headers=CSV)
        assert len(seen) == attempts


async def test_the_log_shows_no_raw_body(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pb, _ = client(Response(200, CSV, b"secret"), middleware=[Logging()])
    for body in ("secret", b"secret", FileUpload(("a", b"secret"))):
        await pb.send_raw("/x", method="POST", body=body, headers=CSV)
    with pytest.raises(PocketBaseDecodeError) as caught:
        await pb.send("/x", method="POST", body="secret", headers=CSV)
    assert "POST /x 200" in caplog.text
    assert "secret" not in caplog.text + repr(caught.value) + str(caught.value)
