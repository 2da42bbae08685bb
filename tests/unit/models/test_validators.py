"""Fields of dataclasses that are converted, and empty values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import NoneType
from typing import Any, Literal, TypedDict
from uuid import UUID

import pytest

from pocketbase_core import PocketBaseDecodeError
from pocketbase_core.models.decoders import make_decoder
from pocketbase_core.models.validators import any_of


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"

    @classmethod
    def _missing_(cls, value: object) -> "Color | None":
        return cls.RED if value == "rot" else None


class Level(IntEnum):
    LOW = 1


class Rate(Enum):
    FULL = 1.0


@dataclass
class Converted:
    color: Color | None = None
    colors: Sequence[Color] = ()
    level: Level = Level.LOW
    rate: Rate | None = None
    price: Decimal | None = None
    day: date | None = None
    days: list[date | None] = field(default_factory=list[date | None])
    key: UUID | None = None
    keys: dict[str, UUID] = field(default_factory=dict[str, UUID])
    status: Literal["a", "b"] | None = None
    text: str | None = None
    kept: Literal["a", ""] | None = None


DAY, A_DAY = date(2024, 1, 2), timedelta(1)
KEY = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"color": "red", "colors": ["blue", "rot"]}, Converted(Color.RED, [Color.BLUE, Color.RED])),
        ({"level": 1, "rate": 1}, Converted(level=Level.LOW, rate=Rate.FULL)),
        ({"price": 0.1}, Converted(price=Decimal("0.1"))),
        ({"price": 3}, Converted(price=Decimal(3))),
        ({"price": "1.10"}, Converted(price=Decimal("1.10"))),
        ({"day": "2024-01-02 23:59:59.999Z"}, Converted(day=DAY)),
        ({"day": "2024-01-02", "days": ["2024-01-03 00:00:00.000Z", ""]}, Converted(day=DAY, days=[DAY + A_DAY, None])),
        ({"key": KEY, "keys": {"a": KEY}}, Converted(key=UUID(KEY), keys={"a": UUID(KEY)})),
        ({"color": "", "rate": "", "price": "", "day": "", "key": "", "status": ""}, Converted()),
        ({"text": "", "kept": ""}, Converted(text="", kept="")),
    ],
)  # fmt: skip
def test_a_dataclass_converts_enums_decimals_dates_and_uuids(record: dict[str, Any], value: Converted) -> None:
    decoded = make_decoder(Converted)(record)
    assert decoded == value
    assert str(decoded.price) == str(value.price)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"color": "green"}, "field 'color': expected 'red' or 'blue', got 'green'"),
        ({"colors": [""]}, "field 'colors.0': expected 'red' or 'blue', got ''"),
        ({"level": True}, "field 'level': expected 1, got True"),
        ({"level": ""}, "field 'level': expected 1, got ''"),
        ({"price": "soon"}, "field 'price': expected a number, got 'soon'"),
        ({"price": "NaN"}, "field 'price': expected a number, got 'NaN'"),
        ({"price": True}, "field 'price': expected a number or None, got bool"),
        ({"day": "soon"}, "field 'day': expected a date with a time zone, got 'soon'"),
        ({"day": 3}, "field 'day': expected a date or None, got int"),
        ({"key": "soon"}, "field 'key': expected a UUID, got 'soon'"),
        ({"key": 3}, "field 'key': expected a UUID or None, got int"),
        ({"status": "c"}, "field 'status': expected 'a' or 'b', got 'c'"),
    ],
)
def test_the_error_of_a_value_that_cannot_be_converted_names_the_field(record: dict[str, Any], told: str) -> None:
    with pytest.raises(PocketBaseDecodeError) as caught:
        make_decoder(Converted)(record)
    assert str(caught.value) == f"200 a record without id is not a valid Converted: {told}"


class Select(TypedDict):
    status: Literal["a"] | None


def test_a_typed_dict_keeps_an_empty_value_and_the_error_says_so() -> None:
    assert make_decoder(Select)({"status": None}) == {"status": None}
    message = "expected 'a', got ''; it is PocketBase's empty value, which a TypedDict keeps: annotate '' too"
    with pytest.raises(PocketBaseDecodeError, match=message):
        make_decoder(Select)({"status": ""})


def test_an_empty_value_is_none_without_an_attempt_to_convert_it() -> None:
    def refuse(value: object) -> None:
        raise AssertionError(f"{value!r} must not be converted")

    for annotation in (datetime, Decimal, float, Literal["a"]):
        assert any_of({annotation: refuse, NoneType: refuse}, convert=True)("") is None
