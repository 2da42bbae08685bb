"""Empty values in pydantic models and msgspec Structs."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pydantic
import pytest

from pocketbase_core import PocketBaseDecodeError
from pocketbase_core.models.decoders import make_decoder


class Color(StrEnum):
    RED = "red"


class InnerModel(pydantic.BaseModel):
    when: datetime | None = pydantic.Field(None, alias="whenAt")


class Model(pydantic.BaseModel):
    when: datetime | None = pydantic.Field(alias="whenAt")
    day: date | None
    status: Literal["a", "b"] | None
    color: Color | None
    key: UUID | None
    text: str | None
    kept: Literal["a", ""] | None
    either: datetime | UUID | None
    inner: InnerModel | None
    inners: list[InnerModel]
    created: datetime


class InnerStruct(msgspec.Struct, rename={"when": "whenAt"}):
    when: datetime | None = None


class Struct(msgspec.Struct, rename={"when": "whenAt"}):
    when: datetime | None
    day: date | None
    status: Literal["a", "b"] | None
    color: Color | None
    key: UUID | None
    text: str | None
    kept: Literal["a", ""] | None
    either: datetime | None
    inner: InnerStruct | None
    inners: list[InnerStruct]
    created: datetime


CREATED = "2024-01-02 03:04:05.678Z"
EMPTY: dict[str, Any] = {
    "id": "abc",
    **dict.fromkeys(("whenAt", "day", "status", "color", "key", "text", "kept", "either"), ""),
    "inner": {"whenAt": ""},
    "inners": [{"whenAt": CREATED}, {"whenAt": ""}, {}],
    "created": CREATED,
}


@pytest.mark.parametrize("kind", [Model, Struct])
def test_an_empty_value_is_none_where_the_class_allows_none_and_not_the_text(kind: Any) -> None:
    before = repr(EMPTY)
    value = make_decoder(kind)(EMPTY)
    assert [value.when, value.day, value.status, value.color, value.key, value.either] == [None] * 6
    assert (value.text, value.kept) == ("", ""), "a class that allows the text gets it"
    moment = datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)
    assert [value.inner.when, *[inner.when for inner in value.inners]] == [None, moment, None, None]
    assert value.created == moment
    assert repr(EMPTY) == before, "the record itself must not change"


@pytest.mark.parametrize("kind", [Model, Struct])
@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"created": ""}, "field 'created': .*date"),
        ({"text": 3}, "field 'text': .*(str|string)"),
        ({"inners": [{"whenAt": "soon"}]}, r"field 'inners.*whenAt': .*date"),
        ({"inners": ""}, "field 'inners'"),
        ({"status": "c"}, "field 'status'"),
    ],
)
def test_the_error_is_that_of_the_value_that_the_server_sent(kind: Any, extra: dict[str, Any], words: str) -> None:
    with pytest.raises(PocketBaseDecodeError, match=words) as caught:
        make_decoder(kind)(EMPTY | extra)
    assert "None" not in str(caught.value).replace("or None", "")
    assert "null" not in str(caught.value).replace("| null", "")


@pytest.mark.parametrize("kind", [Model, Struct])
@pytest.mark.parametrize("record", [None, "", [], "x"])
def test_what_is_no_record_stays_an_error(kind: Any, record: Any) -> None:
    with pytest.raises(PocketBaseDecodeError, match="is not a valid"):
        make_decoder(kind)(record)


def test_a_validator_of_the_user_sees_what_the_server_sent() -> None:
    class Own(pydantic.BaseModel):
        when: Annotated[datetime | None, pydantic.BeforeValidator(lambda value: value or "1970-01-01T00:00:00Z")]

    assert make_decoder(Own)({"when": ""}).when == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_thousand_empty_values_in_one_record_take_few_conversions(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {**EMPTY, "inners": [{"whenAt": ""}] * 1000}
    attempts: list[object] = []
    convert: Any = msgspec.convert

    def counting(value: Any, kind: Any) -> Any:
        attempts.append(kind)
        return convert(value, kind)

    monkeypatch.setattr(msgspec, "convert", counting)
    assert len(make_decoder(Struct)(record).inners) == 1000
    assert len(attempts) < 12
