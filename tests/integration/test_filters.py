"""A filter by `pb.filter` finds exactly the given value, on servers with either grammar."""

import secrets
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.shared_collections import CLIENT_OPTIONS, IS_LEGACY, VERSION

SERVERS = [
    pytest.param(VERSION, id=VERSION or "0.40"),
    *[pytest.param(version, id=version, marks=pytest.mark.slow) for version in ("0.36.9", "0.23")],
]
any_character = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(st.one_of(st.sampled_from("\\\"'ntr{}:() |&/%_~"), any_character), max_size=20)


@pytest_asyncio.fixture(scope="module", params=SERVERS)
async def old_or_new(request: pytest.FixtureRequest) -> AsyncGenerator[PocketBase, None]:
    async with LocalServer(request.param) as server:
        options = CLIENT_OPTIONS if request.param == VERSION else {}
        async with PocketBase(server.url, transport=AiohttpTransport(), **options) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            fields = [{"name": name, "type": "text"} for name in ("title", "content", "mark")]
            await pb.collections.create(
                {"name": "texts", "type": "base", "fields": [*fields, {"name": "n", "type": "number"}]}
            )
            yield pb


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts)
async def test_a_filter_finds_exactly_the_record_with_the_value(old_or_new: PocketBase, title: str, decoy: str) -> None:
    pb, mark = old_or_new, secrets.token_hex(8)
    records = pb.collection("texts")
    try:
        expression = pb.filter("mark = {:mark} && title = {:title}", mark=mark, title=title)
    except ValueError:
        assert "\\" in title, "only backslashes are refused"
        return
    wanted = await records.create({"title": title, "mark": mark})
    await records.create({"title": decoy, "mark": mark})
    assert wanted["title"] == title
    found = [record["title"] for record in await records.get_full_list(filter=expression)]
    assert found == [title] * (1 + (decoy == title)), "the filter matches another text"


@pytest.mark.refused_by_legacy("every backslash in a filter")
@settings(max_examples=35, suppress_health_check=[HealthCheck.function_scoped_fixture])  # on each library
@example("\\")
@given(texts)
async def test_from_0_39_9_on_no_text_needs_to_be_refused(pb: PocketBase, title: str) -> None:
    pb.filter_escapes = not IS_LEGACY
    record = await pb.collection("posts").create({"title": title})
    expression = pb.filter("id = {:id} && title = {:title}", id=record["id"], title=title)
    found = await pb.collection("posts").get_full_list(filter=expression)
    assert [record["title"] for record in found] == [title]


async def test_a_value_that_tries_to_inject_a_condition_finds_nothing(old_or_new: PocketBase) -> None:
    pb = old_or_new
    await pb.collection("texts").create({"title": "secret", "content": "secret", "n": 1})
    attacks = [
        ('zz"', " || n>=0 //"),
        ('zz" || n>=0 //', ""),
        ("zz'", " || n>=0 //"),
        ("zz", '" || n>=0 || "'),
        ("{:b}", '" || n>=0 //'),
    ]
    for first, second in attacks:
        expression = pb.filter("title = {:a} && content = {:b}", {"a": first, "b": second})
        assert await pb.collection("texts").get_full_list(filter=expression) == []
    with pytest.raises(ValueError, match=r"0\.39\.9"):
        pb.filter("title = {:a} && content = {:b}", {"a": 'zz"\\', "b": " || n>=0 //"})


async def test_a_filter_finds_numbers(old_or_new: PocketBase) -> None:
    pb = old_or_new
    mark = secrets.token_hex(8)
    for number in (-5, 1.5, 1e20, 1e-7, 0):
        await pb.collection("texts").create({"n": number, "mark": mark})
        found = await pb.collection("texts").get_full_list(filter=pb.filter("mark={:m} && n={:n}", m=mark, n=number))
        assert [record["n"] for record in found] == [number]
