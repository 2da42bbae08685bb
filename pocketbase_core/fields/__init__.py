"""Typed filters and sorts: `PostsFields.title.contains("x") & (PostsFields.n > 3)`.

`python -m pocketbase_core models` writes the classes of fields. `Field("title")` is for those who have none.
"""

from .collection_fields import Fields, Relation
from .condition import Condition
from .expressions import DateValue, Expression, TextExpression
from .fields import (
    BoolField,
    DateField,
    Field,
    GeoPointField,
    JsonField,
    ListField,
    NumberField,
    SelectField,
    TextField,
)
from .macros import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    MONTH_END,
    MONTH_START,
    NOW,
    SECOND,
    TODAY_END,
    TODAY_START,
    TOMORROW,
    WEEKDAY,
    YEAR,
    YEAR_END,
    YEAR_START,
    YESTERDAY,
    geo_distance,
)

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "MONTH",
    "MONTH_END",
    "MONTH_START",
    "NOW",
    "SECOND",
    "TODAY_END",
    "TODAY_START",
    "TOMORROW",
    "WEEKDAY",
    "YEAR",
    "YEAR_END",
    "YEAR_START",
    "YESTERDAY",
    "BoolField",
    "Condition",
    "DateField",
    "DateValue",
    "Expression",
    "Field",
    "Fields",
    "GeoPointField",
    "JsonField",
    "ListField",
    "NumberField",
    "Relation",
    "SelectField",
    "TextExpression",
    "TextField",
    "geo_distance",
]
