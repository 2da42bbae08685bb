"""Live queries on a server in virtual time: what is read when, and what `items` has then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError, Response

from ...helpers.live_server import DELAY, LiveServer, WithLiveServer
from ...helpers.live_server import with_live_server as with_live_server
from ...helpers.virtual_clock import pass_time


def ids(live: Any) -> str:
    """Return the ids of the items in order."""
    return "".join(record["id"] for record in live.items)


def test_the_block_begins_with_the_whole_list_and_follows_each_change(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live(filter="n < 5", sort="-n") as live:
            assert ids(live) == "bac"
            assert live.is_current
            server.save("posts", "c", n=4)
            server.save("posts", "d", n=3)
            server.save("posts", "a", n=5)
            await pass_time(0.1)
            assert ids(live) == "cdb"
            server.delete("posts", "d")
            server.save("posts", "a", n=0)
            await pass_time(0.1)
            assert ids(live) == "cba"
            assert server.lists[-1]["filter"] == '(id = "d" || id = "a") && (n < 5)', "a burst is one request"
        assert not server.topics or not server.streams


def test_the_items_are_a_sequence_that_cannot_be_changed(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            items = live.items
            assert isinstance(items, Sequence)
            assert len(items) == len(live) == 3
            assert items[0] == {"id": "c", "n": 0}
            assert items[-2:] == [{"id": "a", "n": 1}, {"id": "b", "n": 2}]
            assert items == [*server.records["posts"].values()]
            assert items != [{"id": "c", "n": 0}]
            assert items != object()
            assert {"id": "a", "n": 1} in items
            assert repr(items) == repr([*items])
            assert live.get("b") == {"id": "b", "n": 2}
            assert live.get("x") is None
            assert repr(live) == "LiveQuery('posts', 3 items)"
            steps, backwards = iter(items), reversed(items)
            seen = [next(steps), next(backwards)]
            for name in "abc":
                server.delete("posts", name)
            await pass_time(0.1)
            assert not items
            assert live, "a live query is in use whether it has items or not"
            seen += [*steps, *backwards]
            assert [each["id"] for each in seen] == ["c", "b", "a", "b", "a", "c"], "a loop is over one state"
            with pytest.raises(TypeError):
                hash(items)


def test_typed_records_and_records_without_their_id(with_live_server: WithLiveServer) -> None:
    @dataclass
    class Post:
        n: int

    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts", Post).live(sort="-n") as live:
            assert live.items == [Post(2), Post(1), Post(0)]
        async with server.pb.collection("posts").live(fields="n", sort="-n") as plain:
            assert plain.items == [{"n": 2}, {"n": 1}, {"n": 0}]
            assert plain.get("a") == {"n": 1}
            server.save("posts", "a", n=7)
            await pass_time(0.1)
            assert plain.items[0] == {"n": 7}


def test_a_limit_is_a_window_that_is_filled_again(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live(sort="n", limit=2) as live:
            assert ids(live) == "ca"
            server.delete("posts", "c")
            await pass_time(0.1)
            assert ids(live) == "ab"
            server.max_page = 1
            server.save("posts", "d", n=0)
            await pass_time(0.1)
            assert ids(live) == "da"


def test_a_list_of_several_pages_is_read_by_id_and_its_order_after_that(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.max_page = 2
        for name in "zyx":
            server.add("posts", name, n=1)
        async with server.pb.collection("posts").live(sort="n") as live:
            assert ids(live) == "cazyxb"
            server.save("posts", "m", n=1)
            await pass_time(0.1)
            assert ids(live) == "cazyxmb"
            requests = len(server.lists)
            server.save("posts", "z", n=3)
            await pass_time(0.1)
            assert ids(live) == "cayxmbz"
            assert len(server.lists) == requests + 1
            server.save("posts", "z", n=1)
            await pass_time(0.1)
            assert ids(live) == "cazyxmb"
        async with server.pb.collection("posts").live(filter="n < 2 // \\") as live:
            assert ids(live) == "cazyxm"


def test_an_order_that_the_server_alone_knows_is_read_after_each_change(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        for name, author in zip("cab", "xyz", strict=True):
            server.add("users", author, name=author)
            server.records["posts"][name]["author"] = author
        async with server.pb.collection("posts").live(sort="-author.name", watch="users") as live:
            assert ids(live) == "bac"
            server.save("posts", "c", author="z")
            await pass_time(0.1)
            assert ids(live) == "cba"
            server.save("users", "y", name="zz")
            await pass_time(0.1)
            assert ids(live) == "acb"


def test_ids_in_order_of_another_list_have_everything_read_soon(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        for name in "cabd":
            server.add("users", name, name=name)
            server.add("posts", name, author=name)
        del server.records["posts"]["d"]
        async with server.pb.collection("posts").live(sort="author.name") as live:
            await pass_time(100)
            server.add("posts", "d", author="d")
            server.save("posts", "a", author="c")
            await pass_time(0.2)
            assert ids(live) == "bca", "the server has sent no event of the other"
            await pass_time(1)
            assert ids(live) == "bcad"


@pytest.mark.parametrize(("page_size", "has_row_order"), [(1000, True), (10, True), (10, False)])
def test_equals_that_do_not_fit_into_one_request_have_all_ids_read(
    with_live_server: WithLiveServer, page_size: int, has_row_order: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketbase_core.live.driver.PAGE_SIZE", page_size)

    @with_live_server
    async def _(server: LiveServer) -> None:
        server.has_row_order = has_row_order
        for number in range(60):
            server.add("posts", f"{number:015}", n=1)
        long = "n < 5 && title != '" + "x" * 2500 + "'"
        async with server.pb.collection("posts").live(filter=long, sort="n") as live:
            server.save("posts", "b", n=1)
            await pass_time(0.2)
            assert live.items == sorted(server.records["posts"].values(), key=lambda row: row["n"])
            assert server.lists[-1]["fields"] == "id"
            assert server.lists[-1]["filter"] == long
            assert server.lists[-1]["sort"] == ("@rowid" if page_size == 10 and has_row_order else "n")


@pytest.mark.parametrize("fields", [None, "*,expand"])
def test_what_expand_shows_is_watched(with_live_server: WithLiveServer, fields: str | None) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.add("users", "u", name="Uwe")
        server.add("users", "v", name="Vera")
        server.records["posts"]["a"]["author"] = "u"
        options: Any = {"expand": "author,comments_via_post"} | ({"fields": fields} if fields else {})
        async with server.pb.collection("posts").live(**options) as live:
            before = len(server.lists)
            server.save("users", "v", name="Viola")
            await pass_time(0.1)
            assert len(server.lists) == before + bool(fields), "no item shows her, as far as that can be told"
            server.save("users", "u", name="Ute")
            server.save("comments", "x", post="a", text="Hello")
            await pass_time(0.1)
            if not fields:
                assert live.get("a") == {
                    "id": "a",
                    "n": 1,
                    "author": "u",
                    "expand": {
                        "author": {"collectionName": "users", "id": "u", "name": "Ute"},
                        "comments_via_post": [{"id": "x", "post": "a", "text": "Hello"}],
                    },
                }
            else:
                assert len(server.lists) == before + 2
        assert {topic.partition("?")[0] for topic in server.topics} == {"posts/*", "users/*", "comments/*"}


def test_a_collection_that_is_shown_for_the_first_time_is_subscribed_to_and_everything_read_again(
    with_live_server: WithLiveServer,
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.add("users", "u", name="Uwe")
        async with server.pb.collection("posts").live(expand="author") as live:
            assert len(server.topics) == 1
            server.save("posts", "a", author="u")
            await pass_time(2 * DELAY)
            server.records["users"]["u"]["name"] = "no event"
            await pass_time(0.1)
            assert len(server.topics) == 2
            shown: Any = live.get("a")
            assert shown["expand"]["author"]["name"] == "no event"
            server.save("users", "u", name="Ute")
            await pass_time(0.1)
            shown = live.get("a")
            assert shown["expand"]["author"]["name"] == "Ute"


def test_a_watched_collection_has_everything_read(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.add("users", "u", name="Uwe")
        server.records["posts"]["a"]["author"] = "u"
        async with server.pb.collection("posts").live(watch=["users"], expand="author") as live:
            assert {topic.partition("?")[0] for topic in server.topics} == {"posts/*", "users/*"}
            del server.records["posts"]["c"]
            server.save("users", "z", name="anybody")
            await pass_time(0.1)
            assert ids(live) == "ab"


@pytest.mark.parametrize("has_row_order", [True, False])
def test_a_view_needs_watch(with_live_server: WithLiveServer, has_row_order: bool) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.has_row_order = has_row_order
        server.max_page = 2
        for name in "pqr":
            server.add("view", name, n=1)
        with pytest.raises(ValueError, match="'view' is a view, for which the server sends no events: name the coll"):
            await server.pb.collection("view").live().__aenter__()
        assert not server.streams
        async with server.pb.collection("view").live(watch="posts") as live:
            assert ids(live) == "pqr"
            del server.records["view"]["q"]
            server.save("posts", "a", n=2)
            await pass_time(0.1)
            assert ids(live) == "pr"


def test_a_filter_that_the_client_refuses_is_the_error(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        server.has_row_order = False
        server.responses = [PocketBaseInputError("no"), PocketBaseInputError("no :lower")]
        with pytest.raises(PocketBaseInputError, match="no :lower"):
            await server.pb.collection("posts").live(filter="title:lower = 'a'").__aenter__()


def test_rows_of_a_view_with_one_id_are_never_read_alone(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        for name in "uvw":
            server.add("users", name, name=name)
            server.records["view"][name] = {"id": "p", "author": name, "n": 1}
        async with server.pb.collection("view").live(expand="author", sort="-author", watch="posts") as live:
            authors: list[Any] = []
            requests = len(server.lists)
            server.save("users", "x", name="shown nowhere")
            await pass_time(0.2)
            assert len(server.lists) == requests
            live.on_change(lambda _: authors.append([row["author"] for row in live.items]))
            await pass_time(0.5)
            server.save("users", "w", name="new")
            await pass_time(0.2)
            assert authors == [["w", "v", "u"]]
            assert live.items[0]["expand"]["author"]["name"] == "new"
            assert live.error is None


@pytest.mark.parametrize("message", ["null", "no JSON", '{"record": 3}', '{"action": "update", "record": {}}'])
def test_a_message_that_names_no_record_has_everything_read_at_the_latest_by_the_next_check(
    with_live_server: WithLiveServer, message: str
) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            await pass_time(100)
            del server.records["posts"]["c"]
            server.send("posts", message)
            await pass_time(0.1 if "{}" not in message else 31)
            assert ids(live) == "ab"


def test_a_change_without_an_event_is_found_by_a_check(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.save("posts", "a", n=7)
            await pass_time(0.1)
            del server.records["posts"]["c"]
            await pass_time(1)
            assert ids(live) == "ab"
            requests = len(server.lists)
            await pass_time(600)
            assert len(server.lists) - requests == 4 + 18, "after 2, 4, 8 and 16 s, and then after 30 s each"


def test_an_event_during_a_request_is_asked_for_again(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        async with server.pb.collection("posts").live() as live:
            server.may_respond.clear()
            server.save("posts", "a", n=7)
            await pass_time(0.1)
            old = [dict(row) for row in server.records["posts"].values() if row["id"] == "a"]
            server.responses.append(Response(200, json={"page": 1, "perPage": 1, "items": old}))
            server.save("posts", "a", n=8)
            await pass_time(0.1)
            server.may_respond.set()
            await pass_time(DELAY)
            assert live.get("a") == {"id": "a", "n": 7}
            await pass_time(0.5)
            assert live.get("a") == {"id": "a", "n": 8}


def test_ids_that_do_not_fit_into_one_request_are_asked_for_in_the_next(with_live_server: WithLiveServer) -> None:
    @with_live_server
    async def _(server: LiveServer) -> None:
        long = "n < 5 && title != '" + "x" * 3300 + "'"
        async with server.pb.collection("posts").live(filter=long, sort="n") as live:
            before = len(server.lists)
            for number, name in enumerate(["d" * 15, "e" * 15, "f" * 15, "g" * 15, "h" * 15, "i" * 15, "j" * 15]):
                server.save("posts", name, n=number % 5)
            await pass_time(0.2)
            assert len(live) == 10
            assert len(server.lists) - before >= 2
            assert len({each["filter"] for each in server.lists[before:] if "id =" in each.get("filter", "")}) >= 2
