"""Fields of records, by their types in PocketBase."""

import re
from typing import Any, TypeVar

from ..input_errors import PocketBaseInputError
from .expressions import DateValue, Expression, TextExpression

V = TypeVar("V")
_PATH = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*([.:][A-Za-z0-9_]+)*")
"""PocketBase reads a name that begins with a digit as a number."""


class FieldPath(Expression[V]):
    """The path to a field, such as `author.name`."""

    def __init__(self, path: str) -> None:
        if not _PATH.fullmatch(path):
            raise PocketBaseInputError(f"{path!r:.100} is not the name of a field, or a path such as 'author.name'")
        super().__init__(path)

    @property
    def any(self) -> Expression[V]:
        """Compare by `?=`, `?<` and so on: true if any of several values matches, such as those of a back-relation."""
        return Expression[V](self._text)._any()

    def asc(self) -> str:
        """Return the sort key for ascending order."""
        return self._text

    def desc(self) -> str:
        """Return the sort key for descending order."""
        return f"-{self._text}"


class NumberField(FieldPath[float]):
    """A number."""


class BoolField(FieldPath[bool]):
    """True or False."""


class DateField(FieldPath[DateValue]):
    """A date."""


class GeoPointField(FieldPath[Any]):
    """A point on the globe, with a longitude and a latitude in degrees."""

    @property
    def lon(self) -> NumberField:
        """The longitude."""
        return NumberField(f"{self._text}.lon")

    @property
    def lat(self) -> NumberField:
        """The latitude."""
        return NumberField(f"{self._text}.lat")


class _TextPath(FieldPath[V], TextExpression[V]):
    @property
    def any(self) -> TextExpression[V]:
        """Compare by `?=`, `?~` and so on: true if any of several values matches, such as those of a back-relation."""
        return TextExpression[V](self._text)._any()

    @property
    def lower(self) -> TextExpression[V]:
        """Compare the text in lower case. PocketBase 0.23 cannot."""
        return TextExpression(f"{self._text}:lower")


class TextField(_TextPath[str]):
    """A text, an e-mail address, a URL, an id, or the name of a file."""


class SelectField(_TextPath[V]):
    """One of several options."""


class EachValue(TextExpression[V]):
    """The values of a list, one by one: a comparison is true if it is true of all."""

    @property
    def any(self) -> TextExpression[V]:
        """Compare by `?=`, `?~` and so on: true if any of the values matches."""
        return TextExpression[V](self._text)._any()


class ListField(_TextPath[V]):
    """Several options, or the names of several files. Without `any` and `each`, the server compares them as JSON."""

    @property
    def length(self) -> Expression[float]:
        """Compare the number of values."""
        return Expression(f"{self._text}:length")

    @property
    def each(self) -> EachValue[V]:
        """Compare each value: true if all match."""
        return EachValue(f"{self._text}:each")

    @property
    def any(self) -> TextExpression[V]:
        """Compare each value by `?=`, `?~` and so on: true if any matches, also of several lists."""
        return self.each.any


class JsonField(_TextPath[Any]):
    """A JSON value."""

    def at(self, path: str) -> "JsonField":
        """Return what is at a path in the value, such as `"tags.0"`."""
        return JsonField(f"{self._text}.{path}")


class Field(JsonField, ListField[Any]):
    """Any field, by its path: `Field("title")`, `Field("author.name")`. Nothing is known about its type.

    What is in a JSON value is `Field("data").at("a.0")`.
    """
