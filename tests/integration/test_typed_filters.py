"""A filter that a class of fields makes is one that the server parses, and finds what it says."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pocketbase_core import PocketBase
from pocketbase_core.fields import (
    HOUR,
    MONTH_START,
    NOW,
    TODAY_END,
    BoolField,
    Condition,
    DateField,
    Fields,
    GeoPointField,
    JsonField,
    ListField,
    NumberField,
    Relation,
    SelectField,
    TextField,
    geo_distance,
)
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.every_field import LEVELS, create_every_field, import_models, write_models
from ..helpers.shared_collections import IS_LEGACY, VERSION, client_of
from .test_filters import SERVERS, texts

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
dates = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


class Server(NamedTuple):
    pb: PocketBase
    models: ModuleType
    is_recent: bool
    """True if the server is newer than 0.23, which has no `:lower` and no points."""


@pytest_asyncio.fixture(scope="module", params=[VERSION] if IS_LEGACY else SERVERS)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    is_recent = request.param != "0.23" and not IS_LEGACY
    async with LocalServer(request.param) as running:
        async with client_of(running.url, transport=AiohttpTransport()) as pb:
            await pb.admins.auth.with_password(*running.superuser)
            await create_every_field(pb, with_geo_points=is_recent)
            folder: Path = tmp_path_factory.mktemp("models")
            path = write_models(folder, await pb.collections.get_full_list(), "typeddict")
            yield Server(pb, import_models(path), is_recent)


def is_one_of(value: object, *types: type) -> bool:
    """Return whether a value is an instance of one of the types. The value stays `Any` for type checkers."""
    return isinstance(value, types)


@st.composite
def fields(draw: st.DrawFn, owner: Any, depth: int = 2) -> Any:
    """Draw a field of a class of fields, or of a relation of it."""
    names = [name for name in dir(owner) if not name.startswith("_") and name not in dir(Relation)]
    field = getattr(owner, draw(st.sampled_from(names)))
    is_path = is_one_of(field, Fields) and (not is_one_of(field, Relation) or (depth > 0 and draw(st.booleans())))
    return draw(fields(field, max(depth - 1, 0))) if is_path else field


@st.composite
def conditions(draw: st.DrawFn, owner: Any, is_recent: bool) -> Condition:
    """Draw a comparison of a field with whatever its type allows."""
    field = draw(fields(owner))
    if is_one_of(field, GeoPointField):
        if draw(st.booleans()):
            return geo_distance(field.lon, field.lat, draw(st.floats(-180, 180)), -1) < draw(numbers)
        field = field.lon
    values: Any = st.none() | texts
    if is_one_of(field, NumberField):
        values = numbers | st.just(HOUR)
    elif is_one_of(field, BoolField):
        values = st.booleans()
    elif is_one_of(field, DateField):
        values = dates | st.sampled_from([NOW, MONTH_START, TODAY_END, "2026-01-31"])
    if is_one_of(field, ListField) and draw(st.booleans()):
        field, values = field.length, numbers
    elif is_one_of(field, JsonField) and draw(st.booleans()):
        field = field.at("a.0")
    elif is_one_of(field, ListField) and draw(st.booleans()):
        field = field.each
    elif is_one_of(field, TextField, SelectField, ListField, JsonField):
        if is_recent and draw(st.booleans()):
            field = field.lower
        elif draw(st.booleans()):
            method = draw(st.sampled_from(["contains", "not_contains", "like", "not_like"]))
            condition: Condition = getattr(field, method)(_writable(draw(texts)))
            return condition
    if hasattr(field, "any") and draw(st.booleans()):
        field = field.any
    value = draw(values)
    value = _writable(value) if isinstance(value, str) else value
    operators = {"==": field.__eq__, "!=": field.__ne__, "<": field.__lt__, ">=": field.__ge__}
    compared: Condition = operators[draw(st.sampled_from([*operators]))](value)
    return compared


def _writable(text: str) -> str:
    """Return the text, unless it has a backslash, which not every version reads alike."""
    assume("\\" not in text)
    return text


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
async def test_the_server_parses_each_filter_that_a_class_of_fields_makes(server: Server, data: st.DataObject) -> None:
    collection, owner = data.draw(
        st.sampled_from(
            [
                (name, getattr(server.models, f"{name.title()}Fields"))
                for name in ("posts", "tags", "comments", "stats", "users")
            ]
        )
    )
    condition = data.draw(conditions(owner, server.is_recent))
    for _ in range(data.draw(st.integers(0, 3))):
        other = data.draw(conditions(owner, server.is_recent))
        condition = condition & other if data.draw(st.booleans()) else condition | other
    await server.pb.collection(collection).get_list(1, 1, filter=condition)


async def test_the_server_sorts_by_each_field(server: Server) -> None:
    for collection in ("posts", "tags", "comments", "stats", "users"):
        owner = getattr(server.models, f"{collection.title()}Fields")
        for name in dir(owner):
            field = getattr(owner, name)
            if not name.startswith("_") and hasattr(field, "asc"):
                await server.pb.collection(collection).get_list(1, 1, sort=[field.asc(), field.desc()])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab%_\\\"' "), min_size=1, max_size=6), st.text(st.sampled_from("ab%_\\ "), max_size=6))
@example("%_", "")  # the server mistakes special characters that follow each other
async def test_contains_finds_the_texts_that_contain_it(server: Server, text: str, other: str) -> None:
    fields = server.models.PostSFields
    try:
        condition = fields.x.contains(text)
        opposite = fields.x.not_contains(text)
    except ValueError:
        assert "\\" in text, "only backslashes are refused"
        return
    records = server.pb.collection("post__s")
    stored = [await records.create({"x": x}) for x in (f"b{text}a", text, other)]
    try:
        found, rest = await asyncio.gather(
            records.get_full_list(filter=condition), records.get_full_list(filter=opposite)
        )
        assert {record["id"] for record in found} == {each["id"] for each in stored if text in each["x"]}
        assert {record["id"] for record in rest} == {each["id"] for each in stored if text not in each["x"]}
    finally:
        for each in stored:
            await records.delete(each["id"])


async def test_any_and_each_find_lists_by_their_values(server: Server) -> None:
    F, records, tags = server.models.PostsFields, server.pb.collection("posts"), server.pb.collection("tags")
    one, two = [(await tags.create({"label": label}))["id"] for label in ("one", "two")]
    stored: dict[str, str] = {}
    for title, kinds, related in (("both", ["a", "b"], [one, two]), ("first", ["a"], [one]), ("second", ["b"], [two])):
        body = {"title": title, "level": LEVELS[0], "kinds": kinds, "tags": related}
        stored[title] = (await records.create(body))["id"]
    try:
        for condition, titles in (
            (F.kinds.any == "a", {"both", "first"}),
            (F.kinds.each == "a", {"first"}),
            (F.kinds.any != "a", {"both", "second"}),
            (F.kinds.any.contains("a"), {"both", "first"}),
            (F.tags.any == one, {"both", "first"}),
            (F.tags.each == one, {"first"}),
            (F.tags.id.any == one, {"both", "first"}),
            (F.tags.posts_via_tags.kinds.any == "a", {"both", "first", "second"}),
        ):
            found = await records.get_full_list(filter=condition)
            assert {record["title"] for record in found} == titles, condition
    finally:
        for record_id in stored.values():
            await records.delete(record_id)
