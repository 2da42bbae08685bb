"""Live queries: lists of records that are kept as the server has them."""

from .changes import LiveChange
from .query import LiveQuery

__all__ = ["LiveChange", "LiveQuery"]
