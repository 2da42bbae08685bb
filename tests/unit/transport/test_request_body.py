"""The body of a request while it is sent."""

import gc
import weakref

from pocketbase_core.messages import Request
from pocketbase_core.transport import Exchange, RequestBody


async def test_each_chunk_that_is_asked_for_is_reported() -> None:
    reported: list[str] = []
    body = RequestBody(lambda: reported.append("chunk"))
    await body.encode(Request("POST", "http://h/", body={"a": 1}))
    assert [chunk async for chunk in body] == [b'{"a":1}']
    assert reported == ["chunk", "chunk"], "one call for the chunk, one for the end"


async def test_a_closed_body_has_no_chunks_and_reports_nothing() -> None:
    reported: list[str] = []
    body = RequestBody(lambda: reported.append("chunk"))
    await body.aclose()
    await body.encode(Request("POST", "http://h/", body={"a": 1}))
    await body.aclose()
    assert [chunk async for chunk in body] == []
    assert reported == []


class ReferableExchange(Exchange):
    """An exchange that has no `__slots__`, so that weak references to it are possible."""


async def test_an_exchange_with_a_body_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        async with ReferableExchange(Request("POST", "http://h/", body={"a": 1}), {}) as exchange:
            assert exchange.body is not None
            assert [chunk async for chunk in exchange.body] == [b'{"a":1}']
        reference = weakref.ref(exchange)
        del exchange
        assert reference() is None, "there is no cycle of references"
    finally:
        gc.enable()
