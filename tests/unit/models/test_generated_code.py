"""Generated code: what it is, and where it is not used."""

import abc
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from textwrap import dedent
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

import pytest

from pocketbase_core import PocketBaseDecodeError
from pocketbase_core.models import generated_code
from pocketbase_core.models.decoders import make_decoder
from pocketbase_core.models.generated_code import Field
from pocketbase_core.models.validators import ValidationError, anything

from ...helpers.generated_code import Checked, assert_alike, build, calls, is_generated, outcome

T = TypeVar("T")
CREATED = "2022-01-01 10:00:00.123Z"
MOMENT = datetime(2022, 1, 1, 10, 0, 0, 123000, UTC)


@dataclass
class Author:
    name: str


@dataclass
class Post:
    title: str
    created: datetime
    tags: list[str]
    author: Author | None = None


def test_the_documented_code_is_the_code() -> None:
    documented = (generated_code.__doc__ or "").partition("the function is\n\n")[2].partition("\n\nThe func")[0]
    assert build(Post).__doc__ == dedent(documented)


def refuse(value: Any) -> Any:
    raise AssertionError(f"{value!r} must not be validated by code that is not generated")


class PostDict(TypedDict):
    title: str
    tags: list[str]
    n: NotRequired[float | None]


def test_a_record_as_the_class_says_needs_only_generated_code() -> None:
    fields = {name: Field(name, hint, refuse, True) for name, hint in Post.__annotations__.items()}
    record: Any = {"title": "x", "created": CREATED, "tags": ["a"], "author": None}
    validate = generated_code.generate_constructor(Post, fields, refuse)
    assert validate(record) == Post("x", MOMENT, ["a"])
    fields = {name: Field(name, hint, refuse, name != "n") for name, hint in PostDict.__annotations__.items()}
    check = generated_code.generate_check(fields, refuse)
    for record in ({"title": "x", "tags": ["a"], "n": 1}, {"title": "x", "tags": ["a"]}):
        assert check(record) is record


@pytest.mark.parametrize(
    "hint", [Checked, PostDict, list[Checked], Sequence[Checked], dict[str, str], Mapping[str, int], Literal["a"], UUID]
)
def test_none_is_not_handed_to_a_validator_if_nothing_else_becomes_of_it(hint: Any) -> None:
    check = generated_code.generate_check({"a": Field("a", hint | None, refuse, True)}, refuse)
    assert check({"a": None}) == {"a": None}
    with pytest.raises(AssertionError, match="'' must not be validated"):
        check({"a": ""})


def test_a_field_for_anything_costs_no_call() -> None:
    check = generated_code.generate_check({"a": Field("a", Any, anything, True)}, refuse)
    assert "validate_a" not in (check.__doc__ or "validate_a")


@dataclass
class Renamed:
    class_: str = field(metadata={"pocketbase": "class"})
    tags_: list[str] = field(default_factory=list[str], metadata={"pocketbase": "tags"})


def test_a_field_may_have_another_name_in_the_json() -> None:
    decode = make_decoder(Renamed)
    record: Any = {"class": "x", "class_": "y", "tags": ["a"]}
    assert decode(record) == Renamed("x", ["a"])
    with pytest.raises(PocketBaseDecodeError, match="field 'class': missing"):
        decode({"class_": "y"})
    with pytest.raises(PocketBaseDecodeError, match=r"field 'tags.0': expected str"):
        decode({"class": "x", "tags": [1]})


@pytest.mark.parametrize("name", ['a"b', "a\\", "ä", "a b", "{a}"])
def test_a_name_in_the_json_that_is_no_word_does_not_become_source(name: str) -> None:
    made: Any = make_dataclass("Made", [("a", str, field(metadata={"pocketbase": name}))])
    assert make_decoder(made)({name: "x"}).a == "x"


class Sign(Enum):
    NOTHING = None
    PLUS = "+"


@pytest.mark.parametrize(
    "hint",
    [str | datetime, date | datetime | None, Sign | None, None | Sign, Any | None, bool | float, int | list[str]],
)
def test_a_union_takes_the_first_member_that_accepts_the_value(hint: Any) -> None:
    model = make_dataclass("OfUnion", [("a", hint)])
    assert is_generated(build(model))
    for value in (CREATED, "2022-01-01", "+", "", None, True, 1, 1.5, ["a"], [1]):
        assert_alike(model, {"a": value})


@dataclass
class Outer:
    inner: Checked
    tags: list[str]


@pytest.mark.parametrize("tags", [["a"], ["a", 1], None])
def test_a_nested_class_is_called_once_whatever_follows(tags: object) -> None:
    assert is_generated(build(Outer))
    *_, called = outcome(build(Outer), {"inner": {"name": "a"}, "tags": tags})
    assert called == ["Checked 'a'"]


@dataclass
class OwnOrder:
    a: str
    b: str = "b"

    def __init__(self, b: str = "other", a: str = "a") -> None:
        self.a, self.b = a, b


@dataclass
class Several:
    a: str
    b: str = "b"

    def __init__(self, *a: str, **b: str) -> None:
        self.a, self.b = repr(a), repr(b)


@dataclass
class WithoutDefault:
    a: str = "a"

    def __init__(self, a: str) -> None:
        self.a = a


@dataclass
class PositionalOnly:
    a: str

    def __init__(self, a: str, /) -> None:
        self.a = a


def count_arguments(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def counting(*arguments: Any, **keywords: Any) -> Any:
        calls.append(f"{len(arguments)} and {sorted(keywords)}")
        return call(*arguments, **keywords)

    return counting


@dataclass
class Wrapped:
    a: str = "a"


wrapped: Any = Wrapped
wrapped.__init__ = count_arguments(wrapped.__init__)  # as libraries do


@dataclass
class Unbound:
    a: str = "a"


def called_without_self(first: str = "first", a: str = "a") -> None:
    calls.append(f"{first} {a}")


unbound: Any = Unbound
unbound.__init__ = functools.partial(called_without_self)  # callable, but not a function


class Counting(type):
    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        return count_arguments(super().__call__)(*arguments, **keywords)


@dataclass
class Metaclass(metaclass=Counting):
    a: str = "a"


@dataclass
class New:
    a: str = "a"

    def __new__(cls, *arguments: Any, **keywords: Any) -> "New":
        made: New = count_arguments(lambda *_, **__: super(New, cls).__new__(cls))(*arguments, **keywords)
        return made


@dataclass
class Failure(Exception):
    a: str = "a"


@dataclass
class Init:
    a: str
    factor: InitVar[int] = 3
    b: str = "b"

    def __post_init__(self, factor: int) -> None:
        self.a *= factor


@dataclass
class InitWithoutDefault:
    a: str
    factor: InitVar[int]


@dataclass
class Unicode:
    größe: str


@dataclass
class Parameter(Generic[T]):
    a: str


class Child(Parameter[int]):
    pass


@dataclass
class Abstract(abc.ABC):
    a: str

    @abc.abstractmethod
    def run(self) -> None: ...


Keyed = TypedDict("Keyed", {"a": str, '"]; import nothing': NotRequired[str], "class": NotRequired[str]})


@pytest.mark.parametrize(
    ("model", "generated"),
    [
        (OwnOrder, True),
        (Parameter, True),
        (Child, True),
        (Abstract, True),
        (Several, False),
        (WithoutDefault, False),
        (PositionalOnly, False),
        (Wrapped, False),
        (Unbound, False),
        (Metaclass, False),
        (New, False),
        (Failure, False),
        (Init, False),
        (InitWithoutDefault, False),
        (Unicode, False),
        (Keyed, False),
    ],
)
def test_a_class_that_is_made_in_another_way_is_made_in_that_way(model: Any, generated: bool) -> None:
    assert is_generated(build(model)) == generated
    texts = {"a": "1", "b": "2", "größe": "3", '"]; import nothing': "4", "class": "5", "factor": "6"}
    for record in ({}, {"a": "1"}, {"b": "2"}, texts, *({**texts, name: 7} for name in texts)):
        assert_alike(model, record)


TAGS = ("a",)


@dataclass
class Defaulted:
    tags: Sequence[str] = TAGS
    more: list[str] = field(default_factory=list[str])


def test_a_default_is_that_of_the_class_and_that_of_a_factory_is_new() -> None:
    validate = build(Defaulted)
    first, second = validate({}), validate({})
    assert is_generated(validate)
    assert first.tags is second.tags is TAGS
    assert first.more == second.more == []
    assert first.more is not second.more


def test_an_error_in_the_code_of_a_nested_class_stays_that_error() -> None:
    validate = build(Outer)
    with pytest.raises(KeyError, match="an error in the code of the user"):
        validate({"inner": {"name": "missing"}, "tags": []})
    with pytest.raises(ValidationError, match="field 'inner': this name is taken") as caught:
        validate({"inner": {"name": "forbidden"}, "tags": []})
    assert type(caught.value.__cause__) is ValueError


@dataclass
class WithInitVar:
    title: str
    limit: InitVar[int] = 0

    def __post_init__(self, limit: int) -> None:
        if len(self.title) > limit:
            raise ValueError("the title is too long")


def test_an_error_of_post_init_is_a_decode_error_without_generated_code_too() -> None:
    with pytest.raises(PocketBaseDecodeError, match="the title is too long"):
        make_decoder(WithInitVar)({"title": "a"})
