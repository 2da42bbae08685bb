"""The records that `expand` shows within the records of a list.

`expand` is a list of paths such as `author.team` and `comments_via_post`. A segment is the name of a relation, or
`COLLECTION_via_FIELD` for the records of another collection whose relation leads here. PocketBase puts the records of a
segment into `record["expand"][segment]`, one or a list of them, and leaves out those that the user may not see.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

Paths = Mapping[str, "Paths"]
"""The segments of `expand`, each with those that follow it."""
_VIA = "_via_"


class Related(NamedTuple):
    """A collection whose records are shown."""

    collection: str
    fields: frozenset[str]
    """Its relations that lead to a record that shows its records."""


def parse_expand(expand: str) -> Paths:
    """Return the paths of an `expand` option."""
    paths: dict[str, Any] = {}
    for path in expand.split(","):
        level = paths
        for segment in filter(None, map(str.strip, path.split("."))):
            level = level.setdefault(segment, {})
    return paths


def shown_ids(record: Mapping[str, Any], paths: Paths) -> Iterator[str]:
    """Yield the id of a record, and the ids of all records that it shows or refers to along the paths."""
    if isinstance(record_id := record.get("id"), str):
        yield record_id
    for segment, following in paths.items():
        yield from _ids(record.get(segment))
        for shown in _shown(record, segment):
            yield from shown_ids(shown, following)


def related_collections(record: Mapping[str, Any], paths: Paths) -> Iterator[Related]:
    """Yield the collections that a record shows, as far as they can be known from the paths and the shown records."""
    for segment, following in paths.items():
        collection, via, field = segment.rpartition(_VIA)
        if via:
            yield Related(collection, frozenset({field}))
        for shown in _shown(record, segment):
            if not via and isinstance(name := shown.get("collectionName"), str):
                yield Related(name, frozenset())
            yield from related_collections(shown, following)


def event_ids(record: Mapping[str, Any], fields: frozenset[str]) -> set[str]:
    """Return the ids by which the records that show this one are found."""
    return {each for name in ("id", *fields) for each in _ids(record.get(name))}


def _ids(value: object) -> list[str]:
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each]


def _shown(record: Mapping[str, Any], segment: str) -> list[dict[str, Any]]:
    expand = record.get("expand")
    shown: object = cast("dict[str, Any]", expand).get(segment) if isinstance(expand, dict) else None
    values = cast("list[object]", shown) if isinstance(shown, list) else [shown]
    return [cast("dict[str, Any]", each) for each in values if isinstance(each, dict)]
