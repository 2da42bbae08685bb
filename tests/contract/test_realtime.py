"""Subscriptions, on each transport."""

import asyncio
import gc
import weakref
from typing import Any, cast

import pytest

from pocketbase_core import (
    AuthStore,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseForbiddenError,
    PocketBaseTimeoutError,
    RealtimeSettings,
)
from pocketbase_core.ports import Transport
from pocketbase_core.realtime import connection as connection_module
from pocketbase_core.testing.contract.scripted_server import Connection, scripted_server, unused_port

from ..helpers.call_recorder import CallRecorder
from ..helpers.realtime_server import RealtimeServer


async def test_a_subscription_gets_the_events_of_its_topic_until_it_ends(
    server: RealtimeServer, pb: PocketBase
) -> None:
    calls = CallRecorder()
    unsubscribe = await pb.collection("posts").subscribe_all(calls)
    assert server.submissions == [("client1", ("posts/*",))], "the server has the topic before subscribe returns"
    assert pb.realtime.is_connected
    assert pb.realtime.client_id == "client1"
    await server.emit("posts/*", {"action": "create", "record": {"id": "a"}})
    await server.emit("other/*", {"action": "create", "record": {"id": "b"}})
    await server.emit("posts/*", {"action": "delete", "record": {"id": "a"}})
    assert await calls.until(2) == [
        {"action": "create", "record": {"id": "a"}},
        {"action": "delete", "record": {"id": "a"}},
    ]
    await unsubscribe()
    assert not pb.realtime.is_connected
    await server.until_streams(0)
    await unsubscribe()  # a second call is no error
    await pb.collection("posts").subscribe(calls, "abc")
    assert pb.realtime.client_id == "client2", "the next subscription opens a new connection"
    assert server.submissions[-1] == ("client2", ("posts/abc",))


async def test_subscribing_to_many_topics_at_once_takes_few_requests(server: RealtimeServer, pb: PocketBase) -> None:
    calls = CallRecorder()
    await asyncio.gather(*(pb.realtime.subscribe(f"topic{number}", calls) for number in range(200)))
    assert server.connects == 1
    assert len(server.submissions) <= 5, "topics are submitted together"
    await asyncio.gather(*(pb.realtime.subscribe(f"topic{number}", calls) for number in range(200, 1000)))
    assert len(server.submissions) <= 10, "topics are submitted together"
    assert len(server.submissions[-1][1]) == 1000, "each submission has all topics"
    with pytest.raises(ValueError, match="1000 topics"):
        await pb.realtime.subscribe("one more", calls)
    for number in range(1000):
        await server.emit(f"topic{number}", number)
    assert sorted(await calls.until(1000)) == list(range(1000))


@pytest.mark.parametrize("topic", ["", "a?b", "a\nb", " a", "x" * 2501])
async def test_an_invalid_topic_is_refused(pb: PocketBase, topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        await pb.realtime.subscribe(topic, print)


async def test_bad_arguments_are_refused_before_anything_is_sent(pb: PocketBase, server: RealtimeServer) -> None:
    posts = pb.collection("posts")
    for bad in ("", "a/b"):
        with pytest.raises(ValueError, match="name or id"):
            await posts.subscribe(print, bad)
    with pytest.raises(ValueError, match=r"cannot have options: .* because of '#'"):
        await posts.subscribe(print, "a#b", filter="n > 1")
    with pytest.raises(ValueError, match="repeated"):
        await posts.subscribe_all(print, params={"a": [1, 2]})
    with pytest.raises(TypeError, match="unknown option"):
        await posts.subscribe_all(print, {"filtre": "n > 1"})
    with pytest.raises(ValueError, match="at most 2500 bytes"):
        await posts.subscribe_all(print, filter="n" * 2500)
    with pytest.raises(TypeError, match="on_gap must be a function, not 3"):
        await posts.subscribe(print, "b", on_gap=cast(Any, 3))
    for limits in ((0.0, 1.0, 1), (1.0, -1.0, 1), (1.0, 1.0, 0)):
        with pytest.raises(ValueError, match="above 0"):
            RealtimeSettings(*limits)
    assert server.connects == 0, "nothing was sent"


async def test_the_first_subscription_fails_with_the_error_of_its_connection(
    server: RealtimeServer, pb: PocketBase, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def html(connection: Connection) -> None:
        await connection.request()
        await connection.respond(200, b"<html>", "Content-Type: text/html")

    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await connection.closed_by_client()

    async def other(connection: Connection) -> None:
        await connection.request()
        await connection.start_stream()
        await server.send(connection, "hello", "{}")
        await connection.closed_by_client()

    monkeypatch.setattr(connection_module, "CONNECT_TIMEOUT", 0.6)
    refused = PocketBase(f"http://127.0.0.1:{unused_port()}", transport=transport, middleware=[])
    with pytest.raises(PocketBaseConnectionError):
        await refused.realtime.subscribe("a", print)
    for script, error_type, words in [
        (html, PocketBaseDecodeError, "text/html"),
        (silent, PocketBaseTimeoutError, "proxy"),
        (other, PocketBaseDecodeError, "PB_CONNECT"),
    ]:
        async with scripted_server(script) as running:
            client = PocketBase(running.url, transport=transport)
            with pytest.raises(error_type, match=words):
                await client.realtime.subscribe("a", print)
            with pytest.raises(error_type, match=words):
                async with client.realtime.events("a"):
                    pass
            assert not client.realtime.is_connected
    server.refusals = [403]
    with pytest.raises(PocketBaseForbiddenError):
        await pb.realtime.subscribe("a", print)
    await server.until_streams(0)
    await pb.realtime.subscribe("a", print)  # the failed attempt left nothing behind
    assert server.submissions[-1] == ("client2", ("a",))


async def test_a_refused_topic_leaves_the_other_subscriptions(server: RealtimeServer, pb: PocketBase) -> None:
    calls, gaps = CallRecorder(), CallRecorder()
    await pb.realtime.subscribe("a", calls, on_gap=gaps)
    for status, error_type in ((400, PocketBaseBadRequestError), (403, PocketBaseForbiddenError)):
        server.refusals = [status]
        with pytest.raises(error_type):
            await pb.realtime.subscribe("b", calls)
    await server.emit("a", 1)
    assert await calls.until(1) == [1]
    assert (server.connects, gaps) == (1, []), "a refusal costs neither the connection nor events"
    server.refusals = [503]
    await pb.realtime.subscribe("c", calls)  # the submission is repeated
    assert server.submissions[-1] == ("client1", ("a", "c"))


async def test_unsubscribing_ends_one_topic_one_collection_or_all(server: RealtimeServer, pb: PocketBase) -> None:
    posts, calls = pb.collection("posts"), CallRecorder()
    for record_id in ("a", "b"):
        await posts.subscribe(calls, record_id)
    await posts.subscribe_all(calls, filter="n > 1")
    await posts.subscribe_all(calls)
    await pb.collection("comments").subscribe_all(calls)
    await posts.unsubscribe("a")
    filtered = server.submissions[-1][1][2] if len(server.submissions[-1][1]) > 2 else ""
    await server.until_submitted("posts/b", filtered, "posts/*", "comments/*")
    await posts.unsubscribe("*")
    await server.until_submitted("posts/b", "comments/*")
    await posts.unsubscribe()
    await server.until_submitted("comments/*")
    await pb.realtime.unsubscribe_by_prefix("comm")
    assert not pb.realtime.is_connected
    await pb.realtime.unsubscribe()
    await pb.realtime.close()


async def test_events_that_are_cancelled_at_any_step_leave_nothing_behind(
    server: RealtimeServer, pb: PocketBase
) -> None:
    async def use() -> None:
        async with asyncio.TaskGroup() as group, pb.realtime.events("a") as events:
            group.create_task(server.emit("a", 1))
            await anext(events)

    steps, task = 0, asyncio.create_task(use())
    task.cancel()
    while task.cancelled() or steps == 0:
        task = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not [each for each in asyncio.all_tasks() if each.get_name().startswith("realtime")], steps
        assert not pb.realtime.is_connected
        await server.until_streams(0)
        steps += 1
        assert steps < 2000, "the work never ends"
    assert steps > 10, "there were few steps to cancel at"
    task.result()


@pytest.mark.parametrize("is_light", [False, True])
async def test_a_client_stays_alive_while_it_has_a_subscription(
    server: RealtimeServer, transport: Transport, is_light: bool
) -> None:
    client = PocketBase(server.url, transport=transport, middleware=[])
    if is_light:
        client = client.with_auth_store(AuthStore())
    known, calls = weakref.ref(client), CallRecorder()
    unsubscribe = await client.realtime.subscribe("a", calls)
    del client
    gc.collect()
    await server.emit("a", 1)
    assert await calls.until(1) == [1]
    await unsubscribe()
    await server.until_streams(0)
    del unsubscribe
    await asyncio.sleep(0)
    gc.collect()
    assert known() is None, "something keeps the client alive"


async def test_collecting_realtime_with_a_subscription_is_a_resource_warning(
    server: RealtimeServer, pb: PocketBase
) -> None:
    """This happens when the loop is no longer referenced: its tasks keep nothing alive."""
    await pb.realtime.subscribe("a", print)
    with pytest.warns(ResourceWarning, match="not closed"):
        pb.realtime.__del__()
    await server.until_streams(0)


@pytest.mark.parametrize("by", ["topic", "prefix"])
async def test_a_subscription_can_be_ended_while_it_connects(server: RealtimeServer, pb: PocketBase, by: str) -> None:
    server.may_respond.clear()
    joining = asyncio.create_task(pb.realtime.subscribe("a", print))
    await server.until_submitted("a")
    async with asyncio.timeout(5):
        await (pb.realtime.unsubscribe("a") if by == "topic" else pb.realtime.unsubscribe_by_prefix("a"))
        unsubscribe = await joining
        await unsubscribe()
        await unsubscribe()
        await server.until_streams(0)
        server.may_respond.set()
        await pb.realtime.subscribe("b", print)
    assert server.submissions[-1] == ("client2", ("b",))


async def test_closing_fails_a_subscription_that_is_still_connecting(server: RealtimeServer, pb: PocketBase) -> None:
    server.may_respond.clear()
    joining = asyncio.create_task(pb.realtime.subscribe("a", print))
    await server.until_submitted("a")
    await pb.realtime.close()
    with pytest.raises(PocketBaseConnectionError, match="realtime was closed") as caught:
        await joining
    assert caught.value.url == f"{server.url}/api/realtime"


@pytest.mark.parametrize("topics", [("bad", "good"), ("good", "bad"), ("a", "bad", "b", "worse", "c", "d", "e")])
@pytest.mark.parametrize("is_first", [True, False])
async def test_of_topics_that_are_submitted_together_only_the_refused_ones_fail(
    server: RealtimeServer, pb: PocketBase, topics: tuple[str, ...], is_first: bool
) -> None:
    calls = CallRecorder()
    if not is_first:
        await pb.realtime.subscribe("before", calls)
    server.refused = {"bad", "worse"}
    posts = len(server.submissions)
    results = await asyncio.gather(*(pb.realtime.subscribe(topic, calls) for topic in topics), return_exceptions=True)
    failed = {topic for topic, result in zip(topics, results, strict=True) if isinstance(result, Exception)}
    assert failed == server.refused.intersection(topics), "a topic failed for another one"
    assert {type(result) for result in results if isinstance(result, Exception)} == {PocketBaseBadRequestError}
    assert server.connects == 1, "a refusal costs no connection"
    assert len(server.submissions) - posts <= 2 + len(failed) * 2 * (len(topics).bit_length()), (
        "the refused topics are found by bisection"
    )
    for topic in set(topics) - failed:
        await server.emit(topic, topic)
    assert sorted(await calls.until(len(topics) - len(failed))) == sorted(set(topics) - failed)


async def test_a_connection_that_is_refused_with_any_topic_fails_all_subscriptions(
    server: RealtimeServer, pb: PocketBase
) -> None:
    server.refusals = [400] * 50
    joining = [pb.realtime.subscribe(f"topic{number}", print) for number in range(40)]
    results = await asyncio.gather(*joining, return_exceptions=True)
    assert {type(result) for result in results} == {PocketBaseBadRequestError}
    assert len(server.submissions) == 2, "the second one has no topics"


async def test_subscribing_on_another_loop_is_refused(server: RealtimeServer, pb: PocketBase) -> None:
    await pb.realtime.subscribe("a", print)
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, pb.realtime.subscribe("b", print))
