"""Blocks and iterators of the blocking client, used in the wrong order or after the end."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pocketbase_core import Request, Response, ServerSentEvent
from pocketbase_core.blocking import PocketBase
from pocketbase_core.blocking.lease import Lease
from pocketbase_core.blocking.streams import Block, next_item
from pocketbase_core.transport import StreamingResponse
from pocketbase_transports import MockTransport

from .test_calls import client, own_threads
from .test_functions import emitting


class TwoChunks(MockTransport):
    """A transport whose responses come in two chunks."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[StreamingResponse, None]:
        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"a"
            yield b"b"

        response = await self.send(request)
        yield StreamingResponse(response.status_code, response.headers, chunks())


@pytest.mark.parametrize("is_the_last_client", [True, False])
def test_what_is_open_ends_with_the_client(is_the_last_client: bool) -> None:
    other = client()
    if not is_the_last_client:
        other.send("/x")
    pb = PocketBase("http://h", transport=TwoChunks(lambda _: Response(200), emitting_events))
    with pb.realtime.events("a") as events, pb.stream("/x") as response:
        assert repr(events) == "EventStream('a')"
        chunks = response.iter_bytes()
        assert (next(chunks), next(events)) == (b"a", 1)
        pb.close()
        uses: list[Callable[[], object]] = [lambda: next(events), lambda: next(chunks)]
        for use in uses:
            with pytest.raises(RuntimeError, match="a client that is closed, or in another process"):
                use()
    assert own_threads() == ([] if is_the_last_client else ["pocketbase-portal"])
    other.close()


def emitting_events(_: Request) -> list[ServerSentEvent]:
    return [ServerSentEvent("PB_CONNECT", '{"clientId": "c1"}'), ServerSentEvent("a", "1")]


def test_a_block_can_be_entered_once() -> None:
    with PocketBase("http://h", transport=emitting()) as pb:
        block = pb.realtime.events("a")
        block.__exit__(None, None, None)
        with block, pytest.raises(RuntimeError, match="entered once"), block:
            raise AssertionError


def test_a_timeout_of_the_source_is_not_taken_for_that_of_the_reader() -> None:
    async def get_next() -> int:
        raise TimeoutError("of the source")

    lease = Lease("a test")
    block = Block(lease)
    with pytest.raises(TimeoutError, match="of the source"):
        next_item(block, get_next, 5)
    lease.close()
    assert block.call(lambda: "here") == "here"


def test_an_iterator_of_records_can_be_closed() -> None:
    def respond(_: Request) -> Response:
        return Response(200, json={"page": 1, "perPage": 1, "items": [{"id": "a"}], "totalItems": -1, "totalPages": -1})

    with client(respond) as pb:
        records = pb.collection("posts").iterate(1, sort="title")
        assert next(records) == {"id": "a"}
        getattr(records, "close")()
        assert [*records] == []


def test_the_error_of_a_wrong_argument_names_the_method() -> None:
    with client() as pb:
        posts: Any = pb.collection("posts")
        with pytest.raises(TypeError, match="get_full_list"):
            posts.get_full_list(1, 2, 3)
        with pytest.raises(TypeError, match="options"):
            posts.get_full_list(1, 2)


def test_a_live_query_is_used_in_its_block() -> None:
    pb = client()
    live = pb.collection("posts").live()
    assert (len(live), bool(live), live.get("a"), live.is_current, live.error) == (0, True, None, False, None)
    live.on_change(print)()
    assert iter(live) is live
    assert live.items == live.items[:1] == []
    assert (repr(live.items), repr(live)) == ("[]", "LiveQuery('posts', 0 items)")
    with pytest.raises(RuntimeError, match="inside of its `with` block"):
        live.next()
    live.__exit__(None, None, None)
