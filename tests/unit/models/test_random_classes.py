"""Random classes and records: generated code decodes like the validators that are not generated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict, Union, cast
from uuid import UUID

import pydantic
from hypothesis import given, settings
from hypothesis import strategies as st

from ...helpers.articles import Article
from ...helpers.generated_code import Checked, assert_alike, calls

CREATED = "2022-01-01 10:00:00.123Z"
KEY = "12345678-1234-5678-1234-567812345678"


class Color(Enum):
    RED = "red"
    NOTHING = None

    @classmethod
    def _missing_(cls, value: object) -> "Color | None":
        calls.append(f"Color {value!r}")
        return cls.RED if value in ("rot", "") else None


class Named(TypedDict):
    name: str
    n: NotRequired[int | None]


class Model(pydantic.BaseModel):
    n: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def take_none(cls, value: Any) -> Any:
        calls.append("Model")
        return {"n": 0} if value is None else value


class Text(str):
    __slots__ = ()


class Items(list[Any]):
    pass


class Keys(dict[str, Any]):
    pass


Kind = tuple[Any, st.SearchStrategy[Any]]
"""An annotation, and values that may match it."""

NAMES = [{"name": name} for name in ("a", "forbidden", "missing")]
ARTICLE: dict[str, Any] = {"title": "x", "author": {"name": "a"}, "created": CREATED, "published": ""}
WRONG = st.sampled_from(
    [
        *("", "x", "2022-01-01 10:00:00", CREATED, 0, 1, -1.5, True, False, None, (), [], [""], ["a", 1], [None]),
        *([CREATED], Text("a"), Text(CREATED), Items(["a"]), Keys(name="a"), {}, {"name": 1}, {"name": None}, *NAMES),
    ]
)
PLAIN: list[tuple[Any, list[Any]]] = [
    (str, ["", "a"]),
    (int, [0, 7]),
    (float, [1, 1.5]),
    (bool, [True]),
    (NoneType, [None]),
    (Literal["a", "b", 1], ["a", "b", 1]),
    (Literal["", True, None], ["", True, None]),
    (Any, [None, "a", [1]]),
    (object, [[]]),
    (NewType("Id", str), ["a"]),
    (Annotated[int | None, "of something"], [3, None]),
    (Named, [{"name": "a"}, {"name": "a", "n": None}, {"name": "a", "n": ""}]),
]
CONVERTED: list[tuple[Any, list[Any]]] = [
    (datetime, [CREATED, "2022-01-01T10:00:00+02:00"]),
    (date, ["2022-01-01", CREATED]),
    (Decimal, ["1.10", 3, 0.1]),
    (UUID, [KEY]),
    (Color, ["red", "rot", None]),
    (Checked, [*NAMES, {"name": "a", "when": CREATED}, {"name": "a", "when": ""}]),
    (Model, [{"n": 1}, None]),
    (Article, [ARTICLE, ARTICLE | {"parent": ARTICLE | {"title": "forbidden"}}, ARTICLE | {"parent": ARTICLE}]),
]


def composed(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    def list_of(origin: Any) -> Callable[[Kind], Kind]:
        return lambda kind: (origin[kind[0]], st.lists(kind[1], max_size=3))

    def dict_of(origin: Any) -> Callable[[Kind], Kind]:
        return lambda kind: (origin[str, kind[0]], st.dictionaries(st.sampled_from("ab"), kind[1]))

    def union(kinds: list[Kind]) -> Kind:
        make_union: Any = Union
        return make_union[tuple(annotation for annotation, _ in kinds)], st.one_of([values for _, values in kinds])

    nothing: Kind = NoneType, st.sampled_from([None, ""])
    return st.one_of(
        inner.map(list_of(list)),
        inner.map(list_of(Sequence)),
        inner.map(dict_of(dict)),
        inner.map(dict_of(Mapping)),
        inner.map(lambda kind: union([kind, nothing])),
        inner.map(lambda kind: union([nothing, kind])),
        st.lists(inner, min_size=2, max_size=3).map(union),
    )


def kinds_of(leaves: list[tuple[Any, list[Any]]]) -> st.SearchStrategy[Kind]:
    base = st.sampled_from([(annotation, st.sampled_from(values) | WRONG) for annotation, values in leaves])
    return st.recursive(cast("st.SearchStrategy[Kind]", base), composed, max_leaves=3)


HELPERS = ["record", "model", "at", "interpret", "validate", "type", "list", "str", "item", "moment", "error", "naive"]
"""Names that generated code uses itself."""
FIELD_NAMES = st.sampled_from([*HELPERS, "unfit", "fromisoformat", "ValidationError", "self", "value_a", "a", "_b"])


@dataclass
class Base:
    base: str
    made: str = field(default="made", init=False)


@dataclass(frozen=True)
class FrozenBase:
    base: datetime | None


def make_default() -> str:
    calls.append("make_default")
    return "default"


FIELD_OPTIONS: list[dict[str, Any]] = [
    {},
    {},
    {"default": None},
    {"default": ()},
    {"default_factory": make_default},
    {"default": "x", "init": False},
    {"default": 1, "kw_only": True},
    {"kw_only": True},
]


@st.composite
def classes(draw: st.DrawFn) -> tuple[Any, dict[str, st.SearchStrategy[Any]]]:
    """Return a dataclass, and values for its fields."""
    names = draw(st.lists(FIELD_NAMES, max_size=5, unique=True))
    kinds = {name: draw(kinds_of(PLAIN + CONVERTED)) for name in names}
    frozen = draw(st.booleans())
    base = draw(st.sampled_from([(), (FrozenBase if frozen else Base,)]))
    fields: list[tuple[str, Any, Any]] = []
    is_optional = False
    for name, (annotation, _) in kinds.items():
        extra = draw(st.sampled_from(FIELD_OPTIONS))
        is_optional = is_optional or "default" in extra or "default_factory" in extra
        options: dict[str, Any] = {"kw_only": True} if is_optional and not extra else extra
        fields.append((name, annotation, field(**options)))
    options = {"frozen": frozen, "slots": draw(st.booleans()), "kw_only": draw(st.booleans())}
    model = make_dataclass("Random", fields, bases=base, **options)
    values = {name: values for name, (_, values) in kinds.items()}
    return model, values | {"base": st.sampled_from(["a", CREATED, "", None])}


def records(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    some = st.fixed_dictionaries({}, optional=values)
    return st.one_of(st.fixed_dictionaries(values), st.fixed_dictionaries(values), some, some.map(Keys), WRONG)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_dataclass_is_decoded_as_without_generated_code(data: st.DataObject) -> None:
    model, values = data.draw(classes())
    for record in data.draw(st.lists(records(values), min_size=1, max_size=5)):
        assert_alike(model, record)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_typed_dict_is_checked_as_without_generated_code(data: st.DataObject) -> None:
    names = data.draw(st.lists(FIELD_NAMES | st.sampled_from(['"]', "class", "a-b", "{a}", "\n"]), unique=True))
    kinds = {name: data.draw(kinds_of(PLAIN)) for name in names}
    hints = {name: NotRequired[hint] if data.draw(st.booleans()) else hint for name, (hint, _) in kinds.items()}
    make_typed_dict: Any = TypedDict
    model = make_typed_dict("Random", hints)
    for record in data.draw(st.lists(records({name: values for name, (_, values) in kinds.items()}), max_size=5)):
        assert_alike(model, record)
