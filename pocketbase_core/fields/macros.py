"""Macros and functions of filters. Dates are those of the server's clock in UTC."""

from ..calls.filters import build_filter
from ..input_errors import PocketBaseInputTypeError
from .expressions import DateValue, Expression

NOW: Expression[DateValue] = Expression("@now")
"""The current date and time."""
YESTERDAY: Expression[DateValue] = Expression("@yesterday")
"""The current time, a day ago. PocketBase 0.23 does not have it."""
TOMORROW: Expression[DateValue] = Expression("@tomorrow")
"""The current time, a day ahead. PocketBase 0.23 does not have it."""
TODAY_START: Expression[DateValue] = Expression("@todayStart")
"""The first moment of the current day."""
TODAY_END: Expression[DateValue] = Expression("@todayEnd")
"""The last moment of the current day."""
MONTH_START: Expression[DateValue] = Expression("@monthStart")
"""The first moment of the current month."""
MONTH_END: Expression[DateValue] = Expression("@monthEnd")
"""The last moment of the current month."""
YEAR_START: Expression[DateValue] = Expression("@yearStart")
"""The first moment of the current year."""
YEAR_END: Expression[DateValue] = Expression("@yearEnd")
"""The last moment of the current year."""
SECOND: Expression[float] = Expression("@second")
"""The second of the current minute, from 0 to 59."""
MINUTE: Expression[float] = Expression("@minute")
"""The minute of the current hour, from 0 to 59."""
HOUR: Expression[float] = Expression("@hour")
"""The hour of the current day, from 0 to 23."""
WEEKDAY: Expression[float] = Expression("@weekday")
"""The day of the week, from 0 (Sunday) to 6."""
DAY: Expression[float] = Expression("@day")
"""The day of the month, from 1 to 31."""
MONTH: Expression[float] = Expression("@month")
"""The month, from 1 to 12."""
YEAR: Expression[float] = Expression("@year")
"""The year."""

Number = float | Expression[float]


def geo_distance(lon_a: Number, lat_a: Number, lon_b: Number, lat_b: Number) -> Expression[float]:
    """Return the distance between two points in kilometers, by the haversine formula.

    Each argument is a number in degrees, or a field: `geo_distance(F.place.lon, F.place.lat, 23.3, 42.7) < 10`. The
    function needs PocketBase 0.27 or newer.

    Args:
        lon_a: The longitude of the first point.
        lat_a: The latitude of the first point.
        lon_b: The longitude of the second point.
        lat_b: The latitude of the second point.

    Raises:
        TypeError: If an argument is neither.
    """
    arguments = {"lon_a": lon_a, "lat_a": lat_a, "lon_b": lon_b, "lat_b": lat_b}
    return Expression(f"geoDistance({', '.join(_number(name, value) for name, value in arguments.items())})")


def _number(name: str, value: Number) -> str:
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PocketBaseInputTypeError(f"{name} must be a number or a field, not {value!r:.100}")
    return build_filter(f"{{:{name}}}", {name: value})
