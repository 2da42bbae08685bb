"""Records as dataclasses, for tests of typed records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Optional


@dataclass
class Tag:
    """A class with one field."""

    name: str


@dataclass(frozen=True)
class Article:
    """A class with nested, optional, defaulted and checked fields."""

    title: str
    author: Tag
    created: datetime
    published: datetime | None
    tags: Sequence[Tag] = ()
    by_name: dict[str, Tag] = field(default_factory=dict[str, Tag])
    n: float = 0.5
    parent: Optional["Article"] = None
    number: int = field(default=7, init=False)

    def __post_init__(self) -> None:
        if self.title == "forbidden":
            raise ValueError("this title is taken")


ARTICLE: dict[str, Any] = {
    "id": "abc",
    "title": "x",
    "author": {"name": "a", "id": "unknown keys are left out"},
    "created": "2024-01-02 03:04:05.678Z",
    "published": "",
    "number": 8,
}
"""An article as the server sends it."""
