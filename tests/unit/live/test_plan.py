"""The options of a live query, and the requests that they become."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pocketbase_core.calls.call import Call
from pocketbase_core.calls.options import LiveOptions, parse_options
from pocketbase_core.endpoints.extended_filter import MAX_CONDITIONS, MAX_LENGTH, count_conditions
from pocketbase_core.endpoints.keyset import KeysetPages, NumberedPages
from pocketbase_core.live.differences import Range
from pocketbase_core.live.order import SortKey
from pocketbase_core.live.plan import MAX_IDS, PAGE_SIZE, Plan, is_askable


def plan_of(**options: Any) -> Plan:
    """Return the plan for these options."""
    return Plan.make("posts", parse_options(LiveOptions, None, options))


def params_of(call: Call[Any]) -> dict[str, Any]:
    """Return the query parameters of a call."""
    return dict(call.request.params or {})


def filters(plan: Plan, ids: list[str]) -> tuple[int, str]:
    """Return how many ids one request asks for, and its filter."""
    asked, call = plan.records(ids)
    assert [*asked] == ids[: len(asked)]
    params = params_of(call)
    assert params["perPage"] == str(len(asked))
    return len(asked), params["filter"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ()),
        ({"watch": "tags"}, ("tags",)),
        ({"watch": ("tags", "users", "tags")}, ("tags", "users")),
        ({"watch": []}, ()),
    ],
)
def test_watch_is_a_name_or_a_list_of_names(options: Any, names: tuple[str, ...]) -> None:
    assert plan_of(**options).watched == names


@pytest.mark.parametrize("limit", [1, 30, 5000, None])
def test_a_limit_is_the_length_of_the_list(limit: int | None) -> None:
    plan = plan_of(limit=limit)
    assert plan.limit == limit
    assert params_of(plan.page(2))["perPage"] == str(PAGE_SIZE if limit is None else min(limit, PAGE_SIZE))
    assert plan.asks_by_id is (limit is None)


@pytest.mark.parametrize(
    ("fields", "sent", "removes_id"),
    [
        ("", "", False),
        (" ", " ", False),
        ("title", "title,id", True),
        ("title,expand.author.id", "title,expand.author.id,id", True),
        ("title, id", "title, id", False),
        (["*", "expand.author.name"], "*,expand.author.name", False),
    ],
)
def test_the_id_is_read_always_and_removed_if_nobody_asked_for_it(fields: Any, sent: str, removes_id: bool) -> None:
    plan = plan_of(fields=fields)
    assert params_of(plan.page(1)).get("fields") == sent
    assert plan.removes_id is removes_id
    assert plan.shows_ids is (not sent.strip())


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({}, ()),
        ({"sort": ["-title", "n"]}, (SortKey("title", True), SortKey("n", False))),
        ({"sort": "author.name"}, None),
        ({"sort": "title", "fields": "id,title,text:excerpt(3,true)"}, (SortKey("title", False),)),
        ({"sort": "-n,title", "fields": "id, title :excerpt(3,true)"}, None),
        ({"sort": "title", "fields": "*,title:excerpt(3)"}, None),
    ],
)
def test_the_order_by_fields_that_come_unchanged_is_found_here(options: Any, keys: Any) -> None:
    assert plan_of(**options).sort_keys == keys


@pytest.mark.parametrize(
    ("filter_", "asks_by_id"),
    [
        ("", True),
        ("title = 'x'", True),
        ("title = 'x' // a comment", False),
        ("title = 'a\\\\b'", False),
        ("title = '" + "x" * (MAX_LENGTH - 170) + "'", True),
        ("title = '" + "x" * (MAX_LENGTH - 169) + "'", False),
        ("title = '" + "ä" * (MAX_LENGTH // 2 - 84) + "'", False),
        (" && ".join(["n>1"] * (MAX_CONDITIONS - 2)), True),
        (" || ".join(["n>1"] * (MAX_CONDITIONS - 1)), False),
    ],
)
def test_records_are_asked_for_by_id_if_the_filter_can_have_another_condition(filter_: str, asks_by_id: bool) -> None:
    plan = plan_of(filter=filter_)
    assert plan.asks_by_id is asks_by_id
    assert isinstance(plan.numbered_reader(), NumberedPages)
    assert isinstance(plan.order_reader(by_row=True), NumberedPages)
    if asks_by_id:
        count, extended = filters(plan, ["x" * 60])
        assert count == 1
        calls = [plan.count(Range("x" * 60, "y" * 60)), plan.changes(datetime.now(UTC)).next_call()]
        for each in (extended, *(params_of(call)["filter"] for call in calls)):
            assert len(each.encode()) <= MAX_LENGTH
            assert count_conditions(each) <= MAX_CONDITIONS


def test_a_request_asks_for_as_many_ids_as_fit_into_a_filter() -> None:
    ids = [f"{number:015}" for number in range(MAX_IDS + 50)]
    assert filters(plan_of(), ["a"]) == (1, '(id = "a")')
    assert filters(plan_of(filter="n > 1"), ["a", "b"]) == (2, '(id = "a" || id = "b") && (n > 1)')
    assert filters(plan_of(), ids)[0] == MAX_IDS
    assert filters(plan_of(filter=" && ".join(["n>1"] * 150)), ids)[0] == MAX_CONDITIONS - 150
    count, extended = filters(plan_of(filter="title != '" + "x" * 1700 + "'"), ids)
    assert count == MAX_IDS // 2
    assert len(extended) <= MAX_LENGTH


@pytest.mark.parametrize("record_id", ["a", "x" * 60, "ä" * 30, "日本", "'" * 60, "a b", "\n"])
def test_a_usual_id_can_be_asked_for(record_id: str) -> None:
    assert is_askable(record_id)
    count, extended = filters(plan_of(filter="title = '" + "x" * (MAX_LENGTH - 90) + "'"), [record_id])
    assert count == 1
    assert len(extended.encode()) <= MAX_LENGTH


@pytest.mark.parametrize("record_id", ["", "x" * 61, "ä" * 31, "a\\b", "a\\", "a\0", '"' * 60])
def test_an_id_that_servers_read_differently_or_that_is_long_is_not_asked_for(record_id: str) -> None:
    assert not is_askable(record_id)


OPTIONS: dict[str, Any] = {
    "filter": "n > 1",
    "sort": "-title",
    "expand": "author",
    "fields": "title",
    "params": {"lang": "de"},
    "headers": {"X-A": "b"},
    "timeout": 7,
}


def test_each_request_has_the_options_that_matter_to_it() -> None:
    plan = plan_of(**OPTIONS)
    common = {"lang": "de", "skipTotal": "true"}
    full = {**common, "filter": "n > 1", "expand": "author", "fields": "title,id"}
    without_fields = {key: value for key, value in full.items() if key != "fields"}
    reader = plan.reader()
    assert isinstance(reader, KeysetPages)
    calls = {
        "page": (plan.page(2), {**full, "sort": "-title", "page": 2, "perPage": PAGE_SIZE}),
        "probe": (plan.probe("@rowid"), {**without_fields, "sort": "@rowid", "page": 1, "perPage": 30}),
        "probe of a view": (plan.probe(""), {**without_fields, "page": 1, "perPage": 30}),
        "reader": (reader.next_call(), {**full, "sort": "id", "page": 1, "perPage": PAGE_SIZE + 1}),
        "order": (
            plan.order_reader(by_row=False).next_call(),
            {**common, "filter": "n > 1", "fields": "id", "sort": "-title", "page": 1, "perPage": PAGE_SIZE},
        ),
        "rows": (
            plan.order_reader(by_row=True).next_call(),
            {**common, "filter": "n > 1", "fields": "id", "sort": "@rowid", "page": 1, "perPage": PAGE_SIZE},
        ),
        "rows of some": (
            plan.records(["a"], in_order=True)[1],
            {**common, "filter": '(id = "a") && (n > 1)', "fields": "id", "sort": "@rowid", "page": 1, "perPage": 1},
        ),
        "count": (
            plan.count(Range("a", "b")),
            {
                "lang": "de",
                "filter": 'id >= "a" && id < "b" && (n > 1)',
                "fields": "id",
                "page": 1,
                "perPage": 1,
            },
        ),
        "ids": (
            plan.ids(Range("", "b")).next_call(),
            {**common, "filter": 'id < "b" && (n > 1)', "fields": "id", "sort": "id", "page": 1, "perPage": 1001},
        ),
        "changes": (
            plan.changes(datetime(2026, 1, 2, tzinfo=UTC)).next_call(),
            {
                **full,
                "filter": 'updated >= "2026-01-02 00:00:00.000Z" && (n > 1)',
                "sort": "id",
                "page": 1,
                "perPage": 1001,
            },
        ),
        "some": (plan.records(["a"])[1], {**full, "filter": '(id = "a") && (n > 1)', "page": 1, "perPage": 1}),
    }
    for name, (call, params) in calls.items():
        assert params_of(call) == {key: str(value) for key, value in params.items()}, name
        assert call.request.headers["X-A"] == "b", name
        assert call.timeout == 7, name


def test_events_have_only_the_ids_that_matter() -> None:
    topic, options = plan_of(**OPTIONS).topic("comments", frozenset({"post", "author"}))
    assert topic == "comments/*"
    assert dict(options.params) == {"lang": "de", "fields": "id,author,post"}
    assert options.headers["X-A"] == "b"
    assert plan_of(**OPTIONS).topic("posts")[1].params["fields"] == "id"


def test_the_first_pages_of_a_list_by_number_are_as_long_as_its_limit() -> None:
    assert params_of(plan_of(limit=5).numbered_reader().next_call())["perPage"] == "5"
    assert params_of(plan_of(limit=5).order_reader(by_row=False).next_call())["perPage"] == "5"


def test_without_a_filter_a_count_of_everything_has_none() -> None:
    assert "filter" not in params_of(plan_of().count(Range("", "")))
    assert params_of(plan_of(filter="n > 1").count(Range("", "")))["filter"] == "n > 1"


@pytest.mark.parametrize("options", [{"expand": "author"}, {"watch": "tags"}, {"limit": 3}, {"filter": "n > 1 // x"}])
def test_changes_are_read_only_where_updated_tells_all_of_them(options: Any) -> None:
    assert not plan_of(**options).reads_changes
    assert plan_of(filter="n > 1", sort="-n", fields="n").reads_changes
