"""Which topics a real server understands with options."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from pocketbase_core import PocketBase
from pocketbase_core.calls.options import SubscribeOptions, parse_options
from pocketbase_core.endpoints import realtime
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import OPEN, VERSION, client_of
from ..helpers.waiting import until

pytestmark = pytest.mark.both_faces

IDS = ["日本", "x+y", "a,b", "(1)", "a@b", "a=b&c", "a;b", "[a]", "{a}", "a!b~c", "a^b", "😀", "a\u200db", "a\u3000"]
TOPICS = [
    *("*", "posts", "posts/*", "a b", "a ", "a%41", "posts/a:b", "chat:room", "chat:room:1", "x+1.y-2:z", "a/b//c"),
    *(
        "//a",
        "//日本/x",
        "chat://room/1",
        "chat://room:80",
        '//a"b',
        "//<a>",
        "a^b",
        "a|b",
        "posts/`a`",
        "\x85",
        "\u2028",
    ),
    *("chat://room:a", "//a^b", "//a|b", "//a{b", "//a\\b", "//`a"),
    *("a#b", "#", "a%b", "100%", "%zz", "1:a", ":a", "a_b:c", "聊天:1", "//a b", "chat://a b"),
]
HOOK = """
routerAdd("GET", "/topics", (e) => {
  const found = {}
  const clients = $app.subscriptionsBroker().clients()
  for (let id in clients) {
    const topics = clients[id].subscriptions()
    for (let topic in topics) found[topic] = topics[topic].query
  }
  return e.json(200, found)
})
"""


@pytest.mark.refused_by_legacy("ids of another form")
@pytest.mark.parametrize("options", [{}, {"expand": "next"}])
async def test_the_events_of_records_with_unusual_ids_arrive(
    pb: PocketBase, name: str, options: dict[str, Any]
) -> None:
    fields = [{"name": "id", "type": "text", "primaryKey": True, "required": True, "pattern": "^.+$", "min": 1}]
    collection = await pb.collections.create({"name": name, "type": "base", **OPEN, "fields": fields})
    relation = {"name": "next", "type": "relation", "collectionId": collection["id"], "maxSelect": 1}
    await pb.collections.update(name, {"fields": [*collection["fields"], relation]})
    records, got = pb.collection(name), dict[str, Any]()
    for record_id in IDS:
        await records.create({"id": record_id})
    for record_id in IDS:
        await records.subscribe(record_id, lambda event: got.update({event["record"]["id"]: event["record"]}), options)
    for record_id in IDS:
        await records.update(record_id, {"next": IDS[0]})
    await until(lambda: len(got) == len(IDS))
    for record_id, record in got.items():
        assert record.get("expand", {}).get("next", {}).get("id") == (IDS[0] if options else None), record_id
    await pb.realtime.close()


@pytest.mark.asynchronous_only(reason="topics are text in a body, whatever face sends it")
@pytest.mark.parametrize("library", ["aiohttp"])  # topics are text in a body, whatever library sends it
async def test_options_are_refused_for_just_the_topics_with_which_the_server_ignores_them(transport: Transport) -> None:
    options = parse_options(SubscribeOptions, {"fields": "id"}, {})
    suffix = "?options=" + quote(json.dumps({"query": {"fields": "id"}, "headers": {}}, sort_keys=True), safe="")
    accepted: set[str] = set()
    for topic in TOPICS:
        try:
            assert realtime.encode_topic(topic, options) == topic + suffix
            accepted.add(topic)
        except ValueError as error:
            assert "the server reads a topic with options as a URL" in str(error), topic
    async with LocalServer(VERSION, hooks=HOOK) as server, client_of(server.url, transport=transport) as pb:
        await pb.realtime.subscribe("news", print)
        body = {"clientId": pb.realtime.client_id, "subscriptions": [topic + suffix for topic in TOPICS]}
        await pb.send("/api/realtime", method="POST", body=body)
        found: dict[str, Any] = await pb.send("/topics")
    understood = {topic.removesuffix(suffix) for topic, query in found.items() if query == {"fields": "id"}}
    assert {topic.removesuffix(suffix) for topic in found} == {*TOPICS}
    assert understood == accepted


async def test_the_connect_event_is_enough_to_keep_a_connection(guest: PocketBase) -> None:
    async with asyncio.timeout(10), guest.realtime.events("PB_CONNECT") as events:
        assert await anext(events) == {"clientId": guest.realtime.client_id}
        assert guest.realtime.is_connected
