"""Records of a real server in the generated classes of each style: they are read, sent back, and stay the same."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbase_core import FileUpload, PocketBase, PocketBaseBadRequestError, PocketBaseInputError
from pocketbase_core.messages.instances import fields_of
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.every_field import LEVELS, STYLES, create_every_field, import_models, write_models
from ..helpers.shared_collections import IS_LEGACY, client_of
from .test_filters import any_character
from .test_models import VERSIONS

EXPAND = "author.posts_via_author,author.comments_via_parent,tags.posts_via_tags,comments_via_post.post"
styles = pytest.mark.parametrize("style", STYLES)


class Server(NamedTuple):
    url: str
    pb: PocketBase
    """A superuser's client."""
    user: PocketBase
    """A client of `u1@example.com`."""
    has_points: bool
    models: dict[str, ModuleType]
    """The models by their style."""
    users: list[str]
    tags: list[str]


@pytest_asyncio.fixture(scope="module", params=VERSIONS)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    has_points, folder = request.param != "0.23" and not IS_LEGACY, tmp_path_factory.mktemp("models")
    async with (
        LocalServer(request.param) as running,
        client_of(running.url, transport=AiohttpTransport()) as pb,
        client_of(running.url, transport=AiohttpTransport()) as user,
    ):
        await pb.admins.auth.with_password(*running.superuser)
        await create_every_field(pb, with_geo_points=has_points)
        for name in ("posts", "users"):
            await pb.collections.update(name, {"viewRule": "", "updateRule": ""})
        collections = await pb.collections.get_full_list()
        models = {style: import_models(write_models(folder, collections, style)) for style in STYLES}
        bodies = [{"email": f"u{number}@example.com", "password": "password123"} for number in range(2)]
        users = [(await pb.collection("users").create(body))["id"] for body in bodies]
        tags = [(await pb.collection("tags").create({"label": label}))["id"] for label in ("x", "y")]
        await pb.collection("comments").create({"parent": users[0]})
        await user.collection("users").auth.with_password("u1@example.com", "password123")
        yield Server(running.url, pb, user, has_points, models, users, tags)


def get(value: Any, name: str) -> Any:
    """Return an attribute, or the value of a key of a TypedDict."""
    return value[name] if isinstance(value, dict) else getattr(value, name)  # pyright: ignore


def put(value: Any, name: str, new: object) -> None:
    """Set an attribute, or a key of a TypedDict."""
    if isinstance(value, dict):
        value[name] = new
    else:
        setattr(value, name, new)


def is_absent(value: Any, name: str) -> bool:
    """Return whether the server has left out a field of a record."""
    if isinstance(value, dict):
        return name not in value
    return getattr(value, name) is None or type(getattr(value, name)).__name__ == "UnsetType"


def as_stored(value: Any) -> Any:
    """Return the fields of an instance as the server writes them, which those of a TypedDict are already."""
    fields: Any = fields_of(value)
    if fields is None:
        return value
    return {
        name: "" if each is None and name in ("due", "kind", "level") else _text(each) for name, each in fields.items()
    }


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat(' ', 'milliseconds')}Z"
    return value


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def comparable(record: dict[str, Any]) -> Any:
    """Return a record without what `expand` added, and with all numbers as floats.

    The server writes the same large number sometimes with an exponent, and sometimes with all of its digits.
    """
    return json.loads(json.dumps(without(record, "expand")), parse_int=float)


texts = st.text(any_character, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e19, 1e20, 1e21, -(2.0**63), 5e-324])
integers = st.integers(-(2**53), 2**53)
dates = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
# By itself, a text that is JSON is taken for what the JSON means, and 0.23 loses the last bit of some floats.
alone = st.none() | st.booleans() | integers | st.from_regex(r"not JSON [a-z]*", fullmatch=True)
json_values = alone | st.recursive(
    st.lists(alone | numbers | texts, max_size=3),
    lambda values: st.lists(values | texts, max_size=3) | st.dictionaries(texts, values | numbers, max_size=3),
    max_leaves=4,
)
uploads = st.builds(FileUpload, st.tuples(st.just("a.txt"), st.binary(min_size=1, max_size=9)))


@st.composite
def bodies(draw: st.DrawFn, server: Server) -> dict[str, Any]:
    """Draw a body that has any of the fields of `posts`."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "slug": st.from_regex(r"[a-z]{3,9}", fullmatch=True),
        "body": texts,
        "n": numbers,
        "count": integers,
        "done": st.booleans(),
        "mail": st.sampled_from(["", "a@example.com"]),
        "link": st.sampled_from(["", "https://example.com/%20?a=ü#b"]),
        "due": dates,
        "kind": st.sampled_from([None, "a", "b", 'it"s', "it's", "ü\\x"]),
        "kinds": st.lists(st.sampled_from(["a", "b"]), unique=True),
        "cover": uploads,
        "docs": st.lists(uploads, max_size=2),
        "author": st.sampled_from(["", *server.users]),
        "tags": st.lists(st.sampled_from(server.tags), unique=True),
        "data": json_values,
        "secret": texts,
    }
    if server.has_points:
        optional["place"] = st.fixed_dictionaries({"lon": st.floats(-180, 180), "lat": st.floats(-90, 90)})
    required = {"title": texts.map("t{}".format), "level": st.sampled_from(LEVELS)}
    return draw(st.fixed_dictionaries(required, optional=optional))


@styles
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_a_record_that_is_read_and_sent_back_stays_the_same(
    server: Server, style: str, data: st.DataObject
) -> None:
    plain, comments = server.pb.collection("posts"), server.pb.collection("comments")
    module = server.models[style]
    typed = server.pb.collection("posts", module.Posts)
    stored = await plain.create(data.draw(bodies(server)))
    comment = await comments.create({"post": stored["id"]})
    try:
        post = await typed.get_one(stored["id"], expand=EXPAND)
        assert comparable(as_stored(post)) == comparable(stored)
        assert_expanded(module, post, await plain.get_one(stored["id"], expand=EXPAND))
        updated = await typed.update(stored["id"], post)
        after = await plain.get_one(stored["id"])
        assert comparable(without(after, "updated")) == comparable(without(stored, "updated"))
        assert comparable(as_stored(updated)) == comparable(after)
    finally:
        await comments.delete(comment["id"])
        await plain.delete(stored["id"])


def assert_expanded(module: ModuleType, post: Any, expected: dict[str, Any]) -> None:
    """Check that what `expand` added is there, in the right classes."""
    expand: Any = get(post, "expand")
    found: dict[str, Any] = expected["expand"]
    [comment] = get(expand, "comments_via_post")
    assert is_instance(comment, module.Comments)
    nested = found["comments_via_post"][0]["expand"]["post"]
    assert comparable(as_stored(get(get(comment, "expand"), "post"))) == comparable(nested)
    if "author" in found:
        author = get(expand, "author")
        assert is_instance(author, module.Users)
        assert get(author, "email") == found["author"]["email"]
        [own] = get(get(author, "expand"), "posts_via_author")
        assert get(own, "id") == expected["id"]
        if "comments_via_parent" in found["author"]["expand"]:
            assert is_instance(get(get(author, "expand"), "comments_via_parent"), module.Comments)
    else:
        assert is_absent(expand, "author")
    if "tags" in found:
        assert [get(tag, "id") for tag in get(expand, "tags")] == expected["tags"]
        assert all(is_instance(tag, module.Tags) for tag in get(expand, "tags"))


def is_instance(value: object, model: Any) -> bool:
    return isinstance(value, dict if issubclass(model, dict) else model)


@styles
async def test_fields_with_names_that_are_taken_are_read_and_sent_back(server: Server, style: str) -> None:
    tags, typed = server.pb.collection("tags"), server.pb.collection("tags", server.models[style].Tags)
    body: dict[str, Any] = {"label": "a", "class": "b", "2fa": True, "_x": 1.5, "__y": 2, "str": "c", "length": 3}
    body |= {"desc": "d", "json": [1], "model_dump": "e", "datetime": "2026-01-31 12:00:00.000Z", "Posts": "f"}
    stored = await tags.create(body)
    assert stored == stored | body
    tag = await typed.get_one(stored["id"], expand="posts_via_tags")
    put(tag, "label", f"changed {style}")
    await typed.update(stored["id"], tag)
    changed = stored | {"label": f"changed {style}"}
    assert without(await tags.get_one(stored["id"]), "updated") == without(changed, "updated")
    fields = server.models[style].TagsFields
    condition = (fields.class_ == "b") & (fields.length_ > 2) & (fields.label == f"changed {style}")
    assert get(await typed.get_first(filter=condition), "id") == stored["id"]


@styles
async def test_a_user_whose_address_is_hidden_is_read_and_sent_back_by_another(server: Server, style: str) -> None:
    module, users = server.models[style], server.pb.collection("users")
    stored = await users.create({"email": f"{style}@example.com", "password": "password123"})
    async with client_of(server.url, transport=AiohttpTransport()) as guest:
        assert is_absent(await guest.collection("users", module.Users).get_one(stored["id"]), "email")
    typed = server.user.collection("users", module.Users)
    user = await typed.get_one(stored["id"])
    assert is_absent(user, "email")
    put(user, "verified", False)
    if style == "dataclass" and not IS_LEGACY:  # all of its fields are sent
        with pytest.raises(PocketBaseBadRequestError, match="email"):
            await typed.update(stored["id"], user)
    else:
        await typed.update(stored["id"], user)
    assert without(await users.get_one(stored["id"]), "updated") == without(stored, "updated")


@styles
async def test_a_hidden_field_survives_the_update_of_a_user_who_does_not_see_it(server: Server, style: str) -> None:
    if IS_LEGACY:
        hidden = {"name": "secret", "type": "text", "hidden": True}
        with pytest.raises(PocketBaseInputError, match="'hidden' of the field 'secret'"):
            await server.pb.collections.create({"name": "hidden", "type": "base", "fields": [hidden]})
        return
    stored = await server.pb.collection("posts").create({"title": "x", "level": LEVELS[0], "secret": "kept"})
    typed = server.user.collection("posts", server.models[style].Posts)
    post = await typed.get_one(stored["id"])
    assert is_absent(post, "secret")
    put(post, "title", "changed")
    await typed.update(stored["id"], post)
    after = await server.pb.collection("posts").get_one(stored["id"])
    assert (after["title"], after["secret"]) == ("changed", "kept")


@styles
async def test_the_records_of_a_view_are_read(server: Server, style: str) -> None:
    body = {"title": "x", "level": LEVELS[0], "kind": "it's", "author": server.users[1]}
    stored = await server.pb.collection("posts").create(body)
    stats = await server.pb.collection("stats", server.models[style].Stats).get_one(stored["id"], expand="author")
    values = [get(stats, name) for name in ("kind", "author", "amount", "three")]
    assert values == ["it's", server.users[1], 1, 3]
    assert get(get(get(stats, "expand"), "author"), "email") == "u1@example.com"
    await server.pb.collection("posts").delete(stored["id"])
