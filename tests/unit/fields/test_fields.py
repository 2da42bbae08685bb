"""Conditions and sorts that are made of fields."""

import copy
import pickle
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import pytest

from pocketbase_core import Field
from pocketbase_core.fields import (
    NOW,
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

Kind = Literal["a", "b"]


class UserFields(Fields):
    id: TextField
    name: TextField
    posts_via_author: "PostFields"


class UserRelation(UserFields, Relation): ...


class PostFields(Fields):
    id: TextField
    title: TextField
    n: NumberField
    done: BoolField
    created: DateField
    kind: SelectField[Kind]
    tags: ListField[str]
    data: JsonField
    place: GeoPointField
    author: UserRelation
    class_: Annotated[TextField, "class"]


F = PostFields
NOTHING, YES = None, True  # linters want `is` for the literals

CONDITIONS: list[tuple[Condition, str]] = [
    (F.title == "x", 'title = "x"'),
    (F.title != 'say "x"', 'title != "say \\"x\\""'),
    (F.title == NOTHING, "title = null"),
    (F.n < 3, "n < 3"),
    (F.n <= 0.5, "n <= 0.5"),
    (F.n > 3, "n > 3"),
    (F.n < 3, "n < 3"),
    (F.n >= 3, "n >= 3"),
    (F.done == YES, "done = true"),
    (F.created > datetime(2026, 1, 31, 12, tzinfo=UTC), 'created > "2026-01-31 12:00:00.000Z"'),
    (F.created > date(2026, 1, 31), 'created > "2026-01-31 00:00:00.000Z"'),
    (F.created < NOW, "created < @now"),
    (F.created < NOW, "created < @now"),
    (F.kind == "a", 'kind = "a"'),
    (F.title == F.author.name, "title = author.name"),
    (F.author == "abc", 'author = "abc"'),
    (F.author.name == "Ann", 'author.name = "Ann"'),
    (F.author.posts_via_author.title.any == "x", 'author.posts_via_author.title ?= "x"'),
    (F.author.length > 1, "author:length > 1"),
    (F.tags.each == "a", 'tags:each = "a"'),
    (F.tags.any != "a", 'tags:each ?!= "a"'),
    (F.tags.each.any == "a", 'tags:each ?= "a"'),
    (F.author.any == "x", 'author:each ?= "x"'),
    (F.tags.length == 0, "tags:length = 0"),
    (F.title.lower == "x", 'title:lower = "x"'),
    (F.title.contains("x"), 'title ~ "x"'),
    (F.title.contains("50% _"), 'title ~ "%50\\% \\_%"'),
    (F.title.not_contains("x"), 'title !~ "x"'),
    (F.title.like("a%"), 'title ~ "a%"'),
    (F.title.not_like("a%"), 'title !~ "a%"'),
    (F.tags.any.contains("x"), 'tags:each ?~ "x"'),
    (F.kind.any == "a", 'kind ?= "a"'),
    (F.data.at("a").any == "x", 'data.a ?= "x"'),
    (F.data.at("a.0") == {"b": 1}, 'data.a.0 = "{\\"b\\":1}"'),
    (F.place.lon > 1, "place.lon > 1"),
    (geo_distance(F.place.lon, F.place.lat, 23.3, -2) < 10, "geoDistance(place.lon, place.lat, 23.3, -2) < 10"),
    (F.class_ == "x", 'class = "x"'),
    (Field("author.name") == 1, "author.name = 1"),
    (Field("tags").any == "a", 'tags:each ?= "a"'),
]


@pytest.mark.parametrize(("condition", "text"), CONDITIONS, ids=[text for _, text in CONDITIONS])
def test_a_condition_is_the_text_that_pocketbase_reads(condition: Condition, text: str) -> None:
    assert str(condition) == text
    assert type(str(condition)) is str


def test_members_of_another_operator_get_parentheses() -> None:
    a, b, c = F.n == 1, F.n == 2, F.n == 3
    assert str(a & b & c) == "n = 1 && n = 2 && n = 3"
    assert str((a | b) & c) == "(n = 1 || n = 2) && n = 3"
    assert str(a | (b & c)) == "n = 1 || (n = 2 && n = 3)"


def test_text_that_becomes_a_condition_gets_parentheses() -> None:
    assert str(Condition("n = 1 || n = 2") & (F.n == 3)) == "(n = 1 || n = 2) && n = 3"
    assert str((F.n == 3) & Condition("n = 1")) == "n = 3 && (n = 1)"


def test_sort_keys_are_text() -> None:
    assert [F.created.desc(), F.author.name.asc(), F.author.desc()] == ["-created", "author.name", "-author"]


def test_a_condition_survives_copies_and_pickling() -> None:
    either = (F.n == 1) | (F.n == 2)
    for copied in (copy.deepcopy(either), pickle.loads(pickle.dumps(either))):
        assert str(copied & (F.n == 3)) == "(n = 1 || n = 2) && n = 3"
    assert repr(F.n == 1) == "Condition('n = 1')"
    assert repr(F.n) == "NumberField('n')"


def test_a_condition_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="join conditions with &"):
        print(F.n == 1 and F.n == 2)
    with pytest.raises(TypeError, match="neither true nor false"):
        print(1 < F.n < 3)
    text: Any = "n = 2"
    with pytest.raises(TypeError, match="cannot be joined with 'n = 2'"):
        print((F.n == 1) & text)


@pytest.mark.parametrize(
    "path", ["", "a b", "1", "2fa", 'x" || 1', "a..b", ".a", "a.", "x = 1", "//", "{:x}", "x\n", "ä"]
)
def test_text_that_is_no_path_makes_no_field(path: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a field"):
        Field(path)


def test_a_path_in_a_json_value_is_a_path() -> None:
    assert str(F.data.at("0.a") == 1) == "data.0.a = 1"
    with pytest.raises(ValueError, match="is not the name of a field"):
        F.data.at("a b")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"x", "the value of {:title} is of type bytes, which a filter cannot contain"),
        ("a\0", "contains NUL"),
        ("a\\", "pb.filter"),
        ("a\\n", "pb.filter"),
        (float("nan"), "is nan"),
    ],
)
def test_a_value_that_no_filter_can_contain_is_refused(value: Any, problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        assert F.title == value


@pytest.mark.parametrize("text", ["\\_", "a\\%b", "\\"])
def test_a_backslash_that_a_pattern_reads_differently_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="backslash"):
        F.title.contains(text)


@pytest.mark.parametrize("argument", [True, "1", None])
def test_a_distance_takes_numbers_and_fields(argument: Any) -> None:
    with pytest.raises(TypeError, match="lat_b must be a number or a field"):
        geo_distance(1, 2, F.place.lon, argument)


def test_a_path_leads_through_as_many_relations_as_pocketbase_follows() -> None:
    author = F.author.posts_via_author.author.posts_via_author.author
    path = author.posts_via_author
    assert str(path.title) == "author.posts_via_author.author.posts_via_author.author.posts_via_author.title"
    assert str(path.author == "x") == f'{author}.posts_via_author.author = "x"'
    with pytest.raises(ValueError, match="more than 6 relations"):
        assert path.author.name


def test_a_field_with_the_name_of_a_method_has_to_be_annotated_under_another_one() -> None:
    with pytest.raises(TypeError, match=r"Wrong.length hides a method; annotate length_: Annotated\[…, 'length'\]"):

        class Wrong(Fields):  # pyright: ignore[reportUnusedClass]  # its definition fails
            length: NumberField
