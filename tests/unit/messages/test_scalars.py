"""Scalars, which bodies, filters and query parameters treat alike."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import orjson
import pydantic
import pytest

from pocketbase_core import FileUpload, PocketBaseInputError
from pocketbase_core.calls.filters import build_filter
from pocketbase_core.calls.query import encode_query
from pocketbase_core.errors import PocketBaseInputTypeError
from pocketbase_core.messages.json_values import freeze_json


class Color(StrEnum):
    RED = "red"


Mixed = Enum("Mixed", {"RED": "red"}, type=str)
"""An Enum of text as programs wrote it before StrEnum."""


class Level(IntEnum):
    HIGH = 3


class Size(Enum):
    SMALL = 1.5


class Text(str):
    """Another class of text, as of numpy or a markup library."""

    def __str__(self) -> str:
        return "not the content"


class Float64(float):
    """A float such as `numpy.float64`, whose repr is not a number."""

    def __repr__(self) -> str:
        return "np.float64(1.5)"


class Float32:
    """A number such as `numpy.float32`."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def __eq__(self, other: object) -> bool:
        return self.value == other

    def __hash__(self) -> int:
        return hash(self.value)


class Int64:
    """A number such as `numpy.int64`."""

    def __index__(self) -> int:
        return 7


class Duration64:
    """A duration such as `numpy.timedelta64`, which is registered as an integer too."""

    def __int__(self) -> int:
        return 7

    def tolist(self) -> timedelta:
        return timedelta(7)


Real.register(Float32)
Integral.register(Int64)
Integral.register(Duration64)


class ArrayScalar:
    """A scalar such as `numpy.bool_`, `numpy.datetime64` or a tensor without dimensions."""

    ndim = 0

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value

    def tolist(self) -> object:
        return self.value


MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
MOMENT_TEXT = "2024-01-02 03:04:05.000Z"
ID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "plain", "text"),
    [
        (True, True, "true"),
        (3, 3, "3"),
        (1.5, 1.5, "1.5"),
        (Float64(1.5), 1.5, "1.5"),
        (Float32(0.25), 0.25, "0.25"),
        (Int64(), 7, "7"),
        (Fraction(1, 4), 0.25, "0.25"),
        (Decimal("1.10"), 1.1, "1.10"),
        (Decimal("3.00"), 3, "3.00"),
        (Decimal("1E+3"), 1000, "1000"),
        (Decimal("1E+25"), 1e25, "1" + "0" * 25),
        (Decimal("0E-999999"), 0, "0"),
        (Decimal("-9007199254740993"), -9007199254740993, "-9007199254740993"),
        (Color.RED, "red", "red"),
        (Mixed.RED, "red", "red"),
        (Level.HIGH, 3, "3"),
        (Size.SMALL, 1.5, "1.5"),
        (Text("a"), "a", "a"),
        (ID, str(ID), str(ID)),
        (MOMENT, MOMENT_TEXT, MOMENT_TEXT),
        (date(2024, 1, 2), "2024-01-02 00:00:00.000Z", "2024-01-02 00:00:00.000Z"),
        (ArrayScalar(True), True, "true"),
        (ArrayScalar(0.5), 0.5, "0.5"),
        (ArrayScalar(MOMENT), MOMENT_TEXT, MOMENT_TEXT),
    ],
)
def test_a_scalar_is_the_same_in_bodies_filters_and_params(value: Any, plain: Any, text: str) -> None:
    frozen = freeze_json({"a": value, "list": [value]})
    assert (frozen["a"], type(frozen["a"])) == (plain, type(plain)), "another JSON library knows only built-in types"
    assert frozen["list"] == (plain,)
    assert orjson.loads(orjson.dumps(frozen["a"])) == msgspec.json.decode(msgspec.json.encode(frozen["a"])) == plain
    assert encode_query({"a": value, "list": [value]}) == {"a": text, "list": (text,)}
    assert build_filter("{:a}", {"a": value}) == (json.dumps(plain) if isinstance(plain, str) else text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "is nan, which"),
        (Float64(math.inf), "is "),
        (Float32(math.nan), "is "),
        (Decimal("NaN"), "is NaN, which"),
        (Decimal("sNaN"), "is sNaN, which"),
        (Decimal("-Infinity"), "is -Infinity, which"),
        (Decimal("1E+999999999"), r"is 1E\+999999999, which"),
        (Decimal("1E-999999999"), "is too close to 0"),
        (Fraction(10**400), "is 1000"),
        (Fraction(1, 3), "is 1/3, which .* exactly; pass a float of it, or text"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "is 9999-12-31 .*, which"),
    ],
)
def test_a_number_or_date_without_an_equal_value_on_the_server_is_an_input_error(value: Any, words: str) -> None:
    for name, use in USES.items():
        with pytest.raises(PocketBaseInputError, match=words) as caught:
            use(value)
        assert not isinstance(caught.value, TypeError), name


def test_a_number_beyond_the_digits_of_a_float_is_an_error_in_bodies_only() -> None:
    price = Decimal("0.12345678901234567890")
    with pytest.raises(PocketBaseInputError, match=r"body\['a'\] is 0\.1234.* has more digits than PocketBase stores"):
        freeze_json({"a": price})
    assert build_filter("n < {:a}", {"a": price}) == "n < 0.12345678901234567890"
    assert encode_query({"a": price}) == {"a": "0.12345678901234567890"}


def test_an_integer_that_python_does_not_write_as_text_is_an_input_error() -> None:
    for use in (USES["filter"], USES["query"]):
        with pytest.raises(PocketBaseInputError, match="is too long a number"):
            use(10**5000)
    with pytest.raises(PocketBaseInputError, match=r"the value of \{:a\} cannot be written as JSON"):
        USES["filter"]([10**5000])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"a", "of type bytes, .*; pass text as str, and files as FileUpload"),
        ({1}, "of type set, .*; pass a list"),
        (frozenset({1}), "of type frozenset, .*; pass a list"),
        ({"b": 1}.values(), "of type dict_values, .*; pass a list"),
        (range(3), "of type range, .*; pass a list"),
        (iter([1]), "of type list_iterator, .*; pass a list"),
        (timedelta(1), r"of type timedelta, .*; pass its total_seconds\(\)"),
        (time(1), r"of type time, .*; pass its isoformat\(\)"),
        (Duration64(), r"of type Duration64, .*; pass its tolist\(\)"),
        (Path("a"), "of type PosixPath, .*; pass its text, or a FileUpload to send the file"),
        (ArrayScalar(3), r"of type ArrayScalar, .*; pass its tolist\(\)"),
        (pydantic.SecretStr("x"), r"of type SecretStr, .*; pass its get_secret_value\(\)"),
        (object(), "of type object, which [^;]*$"),
        (1j, "of type complex, which [^;]*$"),
    ],
)
def test_the_error_of_a_type_that_cannot_be_sent_says_what_to_pass(value: Any, words: str) -> None:
    for use in USES.values():
        with pytest.raises(PocketBaseInputTypeError, match=words):
            use(value)


def test_a_file_inside_of_a_json_value_is_an_error_that_says_where_files_belong() -> None:
    with pytest.raises(PocketBaseInputTypeError, match=r"body\['data'\]\['f'\] is a FileUpload, which only the fields"):
        freeze_json({"data": {"f": FileUpload(("a.txt", b"x"))}})


def test_scalars_of_numpy_can_be_sent() -> None:
    numpy = pytest.importorskip("numpy")
    value = {
        "a": [numpy.float64(1.5), numpy.float32(0.1), numpy.int16(3), numpy.bool_(True), numpy.str_("x")],
        "b": numpy.datetime64("2024-01-02T03:04:05"),
    }
    assert freeze_json(value) == {"a": (1.5, float(numpy.float32(0.1)), 3, True, "x"), "b": MOMENT_TEXT}
    assert build_filter("{:a} {:b}", {"a": numpy.float64(1.5), "b": numpy.bool_(False)}) == "1.5 false"
    for wrong in (numpy.array([1]), numpy.datetime64(1, "ns"), numpy.float64("nan"), numpy.timedelta64(1, "ns")):
        with pytest.raises(PocketBaseInputError):
            freeze_json(wrong)


def _use_in_body(value: Any) -> None:
    freeze_json({"a": value})


def _use_in_filter(value: Any) -> None:
    build_filter("{:a}", {"a": value})


def _use_in_query(value: Any) -> None:
    encode_query({"a": value})


USES = {"body": _use_in_body, "filter": _use_in_filter, "query": _use_in_query}
