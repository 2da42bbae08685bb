"""Tests: raw bodies are sent as they are."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ... import (
    FileUpload,
    PocketBase,
    PocketBaseError,
    PocketBaseRateLimitError,
    PocketBaseTimeoutError,
)
from ...errors import PocketBaseInputTypeError
from ...middleware import Retry
from ...ports import Transport
from .early_responses import CLOSE, keep_open, linger, read_on, refusing
from .scripted_server import Script, answering, echoing, ignoring, responding, scripted_server

CSV = {"Content-Type": "text/csv"}


class Source:
    """Yields these chunks, and then does what `end` does. Knows when it has been closed."""

    def __init__(
        self, *chunks: Any, end: BaseException | None = None, stalls: bool = False, endless: bool = False
    ) -> None:
        self._chunks = chunks
        self._end = end
        self._stalls = stalls
        self._endless = endless
        self.stalled = asyncio.Event()
        """Set once the iterator stalls."""
        self.closed = False
        """True once the iterator has ended or was closed."""

    async def __call__(self) -> AsyncGenerator[Any, None]:
        """Yield the chunks."""
        try:
            for chunk in self._chunks:
                yield chunk
            if self._stalls:
                self.stalled.set()
                await asyncio.Event().wait()
            while self._endless:
                yield bytes(65536)
            if self._end is not None:
                raise self._end
        finally:
            self.closed = True


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("a,ü\n", "a,ü\n".encode()),
        ("", b""),
        (b"\0\r\n\xff", b"\0\r\n\xff"),
        (b"", b""),
        (bytearray(b"abc"), b"abc"),
        (memoryview(b"abc"), b"abc"),
        (b"x" * 3_000_000, b"x" * 3_000_000),
    ],
    ids=["text", "empty text", "bytes", "no bytes", "bytearray", "memoryview", "3 MB"],
)
async def test_text_and_bytes_are_sent_as_they_are(transport: Transport, body: Any, sent: bytes) -> None:
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport)
        response = await pb.send_raw("/x", method="PUT", body=body, headers={"content-type": "text/csv"})
    (request,) = server.requests
    assert (request.method, request.body) == ("PUT", sent)
    assert request.headers["content-type"] == "text/csv"
    assert request.headers["content-length"] == str(len(sent))
    assert response.content == sent


async def test_text_with_the_content_type_of_json_is_the_json_itself(transport: Transport) -> None:
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        assert await pb.send("/x", method="POST", body='{"a": [1]}', headers=headers) == {"a": [1]}
        assert await pb.send("/x", method="POST", body='{"a": [1]}') == '{"a": [1]}'
        assert await pb.send("/x", method="POST", body={"a": 1}, headers=headers) == {"a": 1}
    assert [request.headers["content-type"] for request in server.requests] == [
        "application/json; charset=utf-8",
        "application/json",
        "application/json; charset=utf-8",
    ]


@pytest.mark.parametrize(
    "chunks",
    [(b"one,", bytearray(b""), b"two"), (), (b"",), (bytes(100_000),) * 30],
    ids=["two", "none", "empty", "3 MB"],
)
async def test_an_async_iterator_is_sent_in_chunks(transport: Transport, chunks: tuple[bytes, ...]) -> None:
    source = Source(*chunks)
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport)
        response = await pb.send_raw("/x", method="POST", body=source(), headers=CSV)
    (request,) = server.requests
    assert response.content == request.body == b"".join(chunks)
    assert request.headers["content-type"] == "text/csv"
    assert request.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in request.headers
    assert source.closed


async def test_an_object_with_a_coroutine_function_read_is_a_body(transport: Transport) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"one\ntwo")
    reader.feed_eof()
    async with scripted_server(echoing) as server:
        pb = PocketBase(server.url, transport=transport)
        response = await pb.send_raw("/x", method="POST", body=reader, headers=CSV)
    assert response.content == b"one\ntwo"


async def test_a_file_is_a_body_with_a_length_and_a_type(transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"png" * 100_000)
    progress: list[tuple[int, int | None]] = []
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        upload = FileUpload(path, on_progress=lambda done, total: progress.append((done, total)))
        await pb.send("/x", method="PUT", body=upload)
        await pb.send("/x", method="PUT", body=FileUpload(("b", b"")), headers=CSV)
    first, second = server.requests
    assert (first.headers["content-type"], first.headers["content-length"]) == ("image/png", "300000")
    assert first.body == path.read_bytes()
    assert (progress[0], progress[-1]) == ((0, 300_000), (300_000, 300_000))
    assert (second.headers["content-type"], second.headers["content-length"], second.body) == ("text/csv", "0", b"")


async def test_a_request_has_one_content_type(transport: Transport) -> None:
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        for body in ("text", b"bytes", Source(b"chunk")(), FileUpload(("a.png", b"png"))):
            await pb.send("/x", method="POST", body=body, headers={"content-type": "text/csv"})
        upload = {"f": FileUpload(("a.png", b"png"))}
        await pb.send("/x", method="POST", body=upload, headers={"content-type": "multipart/form-data"})
    *raw, multipart = [request.headers["content-type"] for request in server.requests]
    assert raw == ["text/csv"] * 4
    assert re.fullmatch("multipart/form-data; boundary=[0-9a-f]+", multipart)


@pytest.mark.parametrize("begin", [(), (b"one",), (bytes(200_000),)], ids=["at once", "after a chunk", "after 200 kB"])
async def test_the_exception_of_an_iterator_is_raised_unchanged(transport: Transport, begin: tuple[bytes, ...]) -> None:
    class OwnError(OSError):
        pass

    error = OwnError("the disk is on fire")
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(OwnError) as caught:
            await pb.send("/x", method="POST", body=Source(*begin, end=error)(), headers=CSV)
        assert caught.value is error
        assert await pb.send("/after") == {}
    assert [request.target for request in server.requests] == ["/after"], "no request arrived as if it were complete"


@pytest.mark.parametrize("chunk", ["text", 3, None, {"a": 1}])
async def test_a_chunk_of_another_type_is_an_error(transport: Transport, chunk: object) -> None:
    source = Source(b"one", chunk)
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        with pytest.raises(PocketBaseInputTypeError, match=f"the source of 'body' yielded {type(chunk).__name__}, not"):
            await pb.send("/x", method="POST", body=source(), headers=CSV)
    assert server.requests == []
    assert source.closed


@pytest.mark.parametrize("begin", [(), (b"one",)], ids=["at once", "after a chunk"])
async def test_an_iterator_that_stalls_ends_at_the_timeout(transport: Transport, begin: tuple[bytes, ...]) -> None:
    source = Source(*begin, stalls=True)
    async with scripted_server(ignoring) as server:
        pb = PocketBase(server.url, transport=transport, timeout=1)
        with pytest.raises(PocketBaseTimeoutError, match="the source of the body gave no data within 1 s"):
            await pb.send("/x", method="POST", body=source(), headers=CSV)
    assert source.closed
    assert server.connections == 1


async def test_the_timeout_counts_from_the_last_chunk_of_a_body(transport: Transport) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(12):
            await asyncio.sleep(0.1)
            yield b"o"

    async with scripted_server(answering("{}")) as server:
        await PocketBase(server.url, transport=transport, timeout=1).send("/x", method="POST", body=slow(), headers=CSV)
    assert server.requests[0].body == b"o" * 12


@pytest.mark.parametrize("call", ["send", "stream"])
async def test_a_cancelled_call_closes_its_iterator(transport: Transport, call: str) -> None:
    source = Source(b"one", stalls=True)

    async def stream(pb: PocketBase) -> None:
        async with pb.stream("/x", method="POST", body=source(), headers=CSV):
            pass

    async with scripted_server(ignoring) as server:
        pb = PocketBase(server.url, transport=transport, timeout=None)
        sending = pb.send("/x", method="POST", body=source(), headers=CSV) if call == "send" else stream(pb)
        task = asyncio.ensure_future(sending)
        await asyncio.wait_for(source.stalled.wait(), 5)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=1)
        assert done
        assert task.cancelled()
    assert source.closed


@pytest.mark.parametrize("end", [linger, keep_open, read_on])
async def test_an_early_response_ends_an_endless_body(transport: Transport, end: Script) -> None:
    source = Source(endless=True)
    async with scripted_server(refusing(413, end, CLOSE)) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[], timeout=10)
        with pytest.raises(PocketBaseError, match=r"Not this\.") as caught:
            await pb.send("/x", method="POST", body=source(), headers=CSV)
    assert caught.value.status == 413
    assert source.closed


async def test_an_iterator_is_sent_once_and_bytes_as_often_as_needed(transport: Transport) -> None:
    async with scripted_server(responding(429)) as server:
        pb = PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0.001)])
        for body in (b"bytes", "text", FileUpload(("a", b"file")), Source(b"iterator")()):
            with pytest.raises(PocketBaseRateLimitError):
                await pb.send("/x", method="POST", body=body, headers=CSV)
    assert [request.body for request in server.requests] == [b"bytes"] * 3 + [b"text"] * 3 + [b"file"] * 3 + [
        b"iterator"
    ]


async def test_an_iterator_that_was_sent_is_refused(transport: Transport) -> None:
    body = Source(b"iterator")()
    async with scripted_server(answering("{}")) as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.send("/x", method="POST", body=body, headers=CSV)
        with pytest.raises(ValueError, match="'body' was read for an earlier request"):
            await pb.send("/x", method="POST", body=body, headers=CSV)
    assert len(server.requests) == 1
