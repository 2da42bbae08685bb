"""The source of models: it is formatted, can be imported, and has a name for everything."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbase_core.codegen.module import write_module
from pocketbase_core.codegen.schema import SchemaError, parse_collections
from pocketbase_core.codegen.source import quote
from pocketbase_core.fields import Fields

from ...helpers.every_field import STYLES, TAKEN_NAMES, every_field, import_models, write_models


def collection(name: str, *fields: dict[str, Any], kind: str = "base", **rest: Any) -> dict[str, Any]:
    identity = {"name": "id", "type": "text", "required": True, "autogeneratePattern": "[a-z0-9]{15}"}
    return {"id": f"id_{name}", "name": name, "type": kind, "fields": [identity, *fields], **rest}


def relation(name: str, other: str, most: int = 1) -> dict[str, Any]:
    return {"name": name, "type": "relation", "collectionId": f"id_{other}", "maxSelect": most}


PASSWORD = {"name": "password", "type": "password", "required": True, "hidden": True}
EMAIL = {"name": "email", "type": "email", "required": True}
TOKEN_KEY = {"name": "tokenKey", "type": "text", "required": True, "hidden": True, "autogeneratePattern": "[a-z]{50}"}
COLLECTIONS = [
    collection("users", PASSWORD, TOKEN_KEY, EMAIL, kind="auth"),
    collection("tags", *TAKEN_NAMES),
    collection("posts", *every_field("id_users", "id_tags", with_geo_points=True)),
    collection(
        "comments",
        relation("post", "posts"),
        relation("parent", "users"),
        relation("elsewhere", "unknown"),
        indexes=["create unique index x on comments (parent)", "CREATE INDEX y ON comments (post)"],
    ),
    collection("stats", {"name": "kind", "type": "select", "values": ["a"], "maxSelect": 1}, kind="view"),
]


def source(collections: list[dict[str, Any]], style: str = "dataclass", **names: str) -> str:
    return write_module(parse_collections(collections), style, names, "header")


def block(text: str, class_name: str) -> list[str]:
    """Return the declarations of a class."""
    lines = text.split(f"class {class_name}")[1].split("\n\n\n")[0].splitlines()
    return [line.strip() for line in lines[3:]]


def reported_by_ruff(command: str, path: Path, *options: str) -> str:
    arguments = [sys.executable, "-m", "ruff", command, "--isolated", *options, path.name]
    return subprocess.run(arguments, cwd=path.parent, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("style", STYLES)
def test_the_source_is_formatted_and_imported_without_a_warning(style: str, tmp_path: Path) -> None:
    path = write_models(tmp_path, COLLECTIONS, style)
    assert reported_by_ruff("format", path, "--diff") == ""
    rules = ["--select", "E4,E7,E9,F,I,UP,B,RUF", "--target-version", "py311"]
    assert "All checks passed!" in reported_by_ruff("check", path, *rules)
    module = import_models(path)
    assert issubclass(module.PostsFields, Fields)


def test_values_have_the_types_of_their_fields() -> None:
    attributes = block(source(COLLECTIONS), "Posts")
    assert attributes == [
        "collectionId: str",
        "collectionName: str",
        "id: str",
        "title: str",
        "slug: str",
        "body: str",
        "n: float",
        "count: int",
        "done: bool",
        "mail: str",
        "link: str",
        "due: datetime | None",
        "kind: PostsKind | None",
        "level: PostsLevel | None",
        "kinds: list[PostsKinds]",
        "cover: str",
        "docs: list[str]",
        "author: str",
        "tags: list[str]",
        "data: Any",
        "secret: str | None = None",
        "created: datetime | None",
        "updated: datetime | None",
        "place: GeoPoint",
        "expand: PostsExpand | None = None",
    ]


def test_a_typed_dict_keeps_what_the_server_writes() -> None:
    attributes = block(source(COLLECTIONS, "typeddict"), "Posts")
    assert {"due: str", 'kind: PostsKind | Literal[""]', "secret: NotRequired[str]"} <= {*attributes}


def test_a_struct_can_tell_that_a_hidden_field_is_missing() -> None:
    assert "secret: str | UnsetType = UNSET" in block(source(COLLECTIONS, "msgspec"), "Posts")


def test_expand_has_the_relations_in_both_directions() -> None:
    text = source(COLLECTIONS)
    assert block(text, "PostsExpand") == [
        "author: Users | None = None",
        "tags: list[Tags] | None = None",
        "comments_via_post: list[Comments] | None = None",
    ]
    assert block(text, "UsersExpand") == [
        "comments_via_parent: Comments | None = None",
        "posts_via_author: list[Posts] | None = None",
    ], "a unique index makes a back-relation one record"
    assert "elsewhere: dict[str, Any] | None = None" in block(text, "CommentsExpand")


def test_a_body_requires_what_the_server_does_not_make() -> None:
    text = source(COLLECTIONS)
    created = block(text, "PostsCreate")
    assert {"title: str", "level: PostsLevel", "id: NotRequired[str]", "slug: NotRequired[str]"} <= {*created}
    assert "docs: NotRequired[FileUpload | Sequence[FileUpload | str] | None]" in created
    assert not {line for line in created if line.startswith(("created", "updated", "collection"))}
    assert block(text, "UsersCreate") == [
        "id: NotRequired[str]",
        "password: str",
        "passwordConfirm: NotRequired[str]",
        "email: str",
    ]


def test_a_body_for_an_update_has_the_modifiers() -> None:
    text = source(COLLECTIONS)
    modifiers = text.split('"_PostsUpdateKeys",')[1].split("}")[0]
    assert '"n+": float,' in modifiers
    assert '"docs+": FileUpload | Sequence[FileUpload],' in modifiers
    assert '"docs-": str | Sequence[str],' in modifiers
    assert '"+kinds": PostsKinds | Sequence[PostsKinds],' in modifiers
    assert {"password: str", "passwordConfirm: str", "oldPassword: str"} <= {*block(text, "UsersUpdate")}


def test_a_view_has_no_bodies() -> None:
    text = source(COLLECTIONS)
    assert "class StatsFields" in text
    assert "class StatsCreate" not in text
    assert "A record of the view `stats`." in text


def test_fields_have_the_types_of_their_values() -> None:
    text = source(COLLECTIONS)
    fields = block(text, "PostsFields")
    expected = {
        "title: TextField",
        "n: NumberField",
        "kind: SelectField[PostsKind]",
        "docs: ListField[str]",
        "author: UsersRelation",
        "comments_via_post: CommentsFields",
        "place: GeoPointField",
    }
    assert expected <= {*fields}
    assert "elsewhere: Relation" in block(text, "CommentsFields")
    assert not {line for line in block(text, "UsersFields") if line.startswith(("password", "tokenKey"))}


def test_a_name_that_is_taken_gets_another_one() -> None:
    text = source(COLLECTIONS, "pydantic")
    record, fields = block(text, "Tags"), block(text, "TagsFields")
    for line in (
        'class_: str = Field(alias="class")',
        'field_2fa: bool = Field(alias="2fa")',
        'x_: float = Field(alias="_x")',
        'str_: str = Field(alias="str")',
        'field_model_dump: str = Field(alias="model_dump")',
        'datetime_: datetime | None = Field(alias="datetime")',
        'Posts_: str = Field(alias="Posts")',
    ):
        assert line in record
    assert {'length_: Annotated[NumberField, "length"]', 'desc_: Annotated[TextField, "desc"]'} <= {*fields}
    assert not [line for line in fields if "2fa" in line], "a filter cannot contain a name that begins with a digit"


def test_a_relation_whose_name_cannot_be_written_has_its_type_as_text() -> None:
    posts = collection("posts", relation("class", "comments"))
    text = source([posts, collection("comments", relation("post", "posts"))], "typeddict")
    assert '"class": "Comments",' in text


def test_classes_of_collections_get_different_names() -> None:
    names = ["post_s", "post__s", "posts", "posts_create", "any", "2nd", "_"]
    text = source([collection(name) for name in names])
    for name in ("PostS", "PostS2", "Posts", "PostsCreate2", "Any2", "C2nd", "Collection"):
        assert f"\nclass {name}:\n" in text


def test_the_type_of_a_select_gets_another_name_than_a_class() -> None:
    kind = {"name": "kind", "type": "select", "values": ["a"], "maxSelect": 1}
    text = source([collection("posts", kind), collection("posts_kind")])
    assert "kind: PostsKind2 | None" in block(text, "Posts")
    assert "\nclass PostsKind:\n" in text


def test_the_user_chooses_names_of_classes() -> None:
    text = source(COLLECTIONS, posts="Post")
    assert "class PostCreate(" in text
    assert "post: Post | None = None" in block(text, "CommentsExpand")
    for name in ("1x", "class", "_Post", "a b", "Any", "UsersExpand"):
        with pytest.raises(SchemaError, match=r"is not a name for a class|is taken"):
            source(COLLECTIONS, posts=name, users="Users")


def test_the_order_of_the_collections_does_not_matter() -> None:
    assert source(COLLECTIONS) == source(COLLECTIONS[::-1])


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"items": []},
        [],
        [1],
        [{"name": "posts"}],
        [collection("a b")],
        [collection("posts", {"name": "x = 1\nimport os", "type": "text"})],
        [collection("posts", {"name": "x", "type": "select", "values": [1]})],
    ],
)
def test_a_document_that_is_no_list_of_collections_is_refused(document: Any) -> None:
    with pytest.raises(SchemaError, match="list of"):
        parse_collections(document)


words = st.from_regex(r"[A-Za-z0-9_]{1,12}", fullmatch=True).filter(lambda name: name not in ("id", "expand"))
long_words = st.from_regex(r"[a-z]{40,100}", fullmatch=True)
values = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1, max_size=4, unique=True
)


@st.composite
def random_field(draw: st.DrawFn) -> dict[str, Any]:
    kinds = ["text", "number", "bool", "date", "file", "json", "geoPoint", "autodate", "select", "relation", "new"]
    field: dict[str, Any] = {"name": draw(words | long_words), "type": draw(st.sampled_from(kinds))}
    field |= {"required": draw(st.booleans()), "hidden": draw(st.booleans()), "maxSelect": draw(st.integers(1, 3))}
    return field | {"values": draw(values), "collectionId": "id_users"}


@st.composite
def random_collection(draw: st.DrawFn) -> dict[str, Any]:
    fields = draw(st.lists(random_field(), max_size=8, unique_by=lower_name))
    return collection(draw(words | long_words), *fields)


def lower_name(item: dict[str, Any]) -> str:
    name: str = item["name"]
    return name.lower()


random_collections = st.lists(random_collection(), min_size=1, max_size=4, unique_by=lower_name)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random_collections, st.sampled_from(STYLES))
def test_the_source_of_any_collections_is_formatted_and_runs(
    tmp_path: Path, collections: list[dict[str, Any]], style: str
) -> None:
    path = write_models(tmp_path, collections, style)
    assert reported_by_ruff("format", path, "--diff") == ""
    module = import_models(path)
    for name in dir(module):
        owner = getattr(module, name)
        if isinstance(owner, type) and issubclass(owner, Fields):
            assert all(getattr(owner, attribute) is not None for attribute in dir(owner))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_is_the_text(text: str) -> None:
    assert eval(quote(text)) == text
