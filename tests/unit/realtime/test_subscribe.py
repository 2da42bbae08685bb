"""The arguments of `subscribe`."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError

from ...helpers.virtual_clock import pass_time
from ...helpers.virtual_server import FakeServer, WithServer
from ...helpers.virtual_server import with_server as with_server


def test_subscribe_takes_the_callback_and_the_topic_in_either_order(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        got: list[Any] = []
        await server.pb.realtime.subscribe("a", got.append)
        await server.pb.realtime.subscribe(got.append, "a")
        await server.pb.realtime.subscribe(callback=got.append, topic="a")
        server.emit("1")
        await pass_time(1)
        assert got == [1, 1, 1]


def test_subscribe_of_a_collection_takes_both_orders_with_their_options(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        topics: list[str] = []

        async def answer(request: Any) -> Any:
            topics[:] = request.body["subscriptions"]
            return await server.answer(request)

        server.answering = answer
        posts: Any = server.pb.collection("posts")
        for arguments in ((print, "x"), ("x", print)):
            options = {"expand": "author"}
            unsubscribe = await posts.subscribe(*arguments, options)
            (with_options,) = topics
            again = await posts.subscribe(*arguments, expand="author")
            assert topics == [with_options]
            assert with_options.startswith("posts/x?options=")
            await unsubscribe()
            await again()
        await posts.subscribe("*", print)
        assert topics == ["posts/*"]
        await posts.unsubscribe("*")
        await posts.subscribe(record_id="y", callback=print)
        assert topics == ["posts/y"]


@pytest.mark.parametrize("arguments", [(), ("*",), ("*", "x"), (print, print), (3, 4), (print, None, {})])
def test_a_wrong_combination_of_arguments_shows_both_orders(
    with_server: WithServer, arguments: tuple[object, ...]
) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        subscribe: Any = server.pb.collection("posts").subscribe
        words = r'subscribe\(callback, "RECORD_ID"\), or subscribe\("RECORD_ID", callback\); subscribe_all\(callback\)'
        with pytest.raises(TypeError, match=words):
            await subscribe(*arguments)
        if None not in arguments:
            subscribe = server.pb.realtime.subscribe
            words = r'subscribe\("posts/\*", callback\), or subscribe\(callback, "posts/\*"\)'
            with pytest.raises(TypeError, match=words):
                await subscribe(*arguments)
        assert server.connects == []


@pytest.mark.parametrize("name", ["", " a", "a?b", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\ud800b"])
def test_a_topic_that_cannot_be_the_name_of_an_event_is_refused(with_server: WithServer, name: str) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        with pytest.raises(PocketBaseInputError, match="cannot be a topic: it is empty, begins with a space"):
            await server.pb.realtime.subscribe(name, print)
