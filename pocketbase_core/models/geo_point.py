"""The values of fields of the type `geoPoint`."""

from typing import TypedDict

from ..pydantic_support import support_pydantic


class GeoPoint(TypedDict):
    """A point on the globe. Without a value, both are 0."""

    lon: float
    """The longitude in degrees, from -180 to 180."""
    lat: float
    """The latitude in degrees, from -90 to 90."""


support_pydantic(GeoPoint)
