"""One attempt of a request, without an adapter."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from pocketbase_core import (
    FileUpload,
    PocketBaseTimeoutError,
    Request,
)
from pocketbase_core.transport import BodyStream, Exchange, read_error_body
from pocketbase_core.transport.request_body import RequestBody


async def test_an_exception_that_no_adapter_maps_is_raised_unchanged() -> None:
    async def fail() -> bytes:
        raise LookupError("a bug")

    exchange = Exchange(Request("GET", "http://h"), {})
    with pytest.raises(LookupError, match="a bug"):
        await anext(BodyStream(exchange.raise_mapped, fail))


async def test_a_time_limit_that_no_adapter_maps_is_a_timeout_error() -> None:
    with pytest.raises(TimeoutError):
        async with Exchange(Request("GET", "http://h", timeout=0.01), {}):
            await asyncio.Event().wait()


async def test_a_time_limit_of_the_encoding_that_no_adapter_maps_is_a_timeout_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def encode(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(RequestBody, "encode", encode)
    with pytest.raises(TimeoutError, match=r"no response within 0\.01 s"):
        async with Exchange(Request("POST", "http://h", timeout=0.01), {}):
            pytest.fail("the body was never encoded")


async def test_the_time_for_an_error_counts_from_its_headers_where_files_or_a_source_were_sent() -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"too "
        await asyncio.sleep(0)
        yield b"large"

    started = asyncio.get_running_loop().time() - 100
    upload = FileUpload(("a.bin", b"x"))
    with_files = Request("POST", "http://h", files=(("f", upload.files[0]),), timeout=5)
    for request in (with_files, Request("POST", "http://h", body=upload, timeout=5)):
        assert await read_error_body(request, 413, chunks(), started) == b"too large"
    with pytest.raises(PocketBaseTimeoutError, match="the response was not complete within 5 s"):
        await read_error_body(Request("POST", "http://h", timeout=5), 413, chunks(), started)
