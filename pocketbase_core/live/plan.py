"""The plan of a live query: its checked options, and the calls that they become."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from numbers import Integral
from typing import Any, Self, cast

from ..calls.call import Call
from ..calls.filters import build_filter
from ..calls.options import Options
from ..endpoints import records
from ..endpoints.extended_filter import MAX_CONDITIONS, MAX_LENGTH, count_conditions, extend, is_extensible
from ..endpoints.keyset import MODIFIED_ID, KeysetPages, NumberedPages
from ..endpoints.pages import Page
from ..endpoints.realtime import record_topic
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .differences import Range
from .order import SortKey, parse_sort
from .relations import Paths, parse_expand

PAGE_SIZE = 1000
PROBE_SIZE = 30
"""Records that are read first, to learn of which collections `expand` shows records."""
MAX_IDS = 100
"""Ids a request asks for at most."""
SORTS_OF_TABLES = ("@rowid", "created,updated")
"""Two sorts that a server refuses for views: the first since 0.23; the second in 0.22, which has no `@rowid`.

On 0.22, a view whose query selects both fields is taken for a table.
"""
_MAX_ID_LENGTH = 60
_RANDOM = re.compile(r"@random\b")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a live query, which the calls for its list are built from."""

    collection: str
    """The name or id of the collection."""
    options: Options
    """The options of each request. Their fields include the id."""
    removes_id: bool
    """True if the caller did not ask for the id."""
    limit: int | None
    """The length of the list; None is no limit."""
    watched: tuple[str, ...]
    """The collections whose changes may concern any record of the list."""
    sort_keys: tuple[SortKey, ...] | None
    """The sort keys; None if only the server knows the order."""
    paths: Paths
    """The paths of `expand`."""

    @classmethod
    def make(cls, collection: str, options: Options) -> Self:
        """Check the options of a live query.

        Raises:
            TypeError: If `limit` or `watch` has the wrong type.
            ValueError: If the list has no lasting order, `limit` is below 1, `fields` changes the ids, or the headers
                contain a token.
        """
        sort, expand, fields, _ = (_text(options, name) for name in ("sort", "expand", "fields", "filter"))
        if _RANDOM.search(sort):
            raise PocketBaseInputError("a live query cannot be sorted by @random, which is another order at each read")
        if MODIFIED_ID.search(fields):
            raise PocketBaseInputError(
                f"a live query needs unchanged ids; remove their modifier from fields={fields!r}"
            )
        if "Authorization" in options.headers:
            raise PocketBaseInputError("a live query is the client's user's; make a client for another user")
        removes_id = bool(fields.strip()) and {"id", "*"}.isdisjoint(name.strip() for name in fields.split(","))
        if removes_id:
            options = options.with_params({**options.params, "fields": f"{fields},id"})
        limit = _check_limit(options.method_options.get("limit"))
        watched = _check_watch(options.method_options.get("watch", ()))
        plan = cls(collection, options, removes_id, limit, watched, _sort_keys(sort, fields), parse_expand(expand))
        plan.page(1)  # raises the error of a parameter that belongs to pages
        return plan

    @property
    def asks_by_id(self) -> bool:
        """True if single records can be read again: there is no limit, and the filter can be extended."""
        filter_ = _text(self.options, "filter")
        has_space = len(filter_.encode()) + 2 * _MAX_ID_LENGTH + 40 <= MAX_LENGTH
        has_space = has_space and count_conditions(filter_) + 2 <= MAX_CONDITIONS
        return self.limit is None and has_space and is_extensible(filter_)

    @property
    def shows_ids(self) -> bool:
        """True if the records within `expand` have their ids, so that the items that show a record can be told."""
        return not _text(self.options, "fields").strip()

    @property
    def page_size(self) -> int:
        """The number of records for each request."""
        return PAGE_SIZE if self.limit is None else min(PAGE_SIZE, self.limit)

    def page(self, number: int) -> Call[Page[dict[str, Any]]]:
        """Build the call for a page of the list."""
        return records.get_page(self.collection, number, self.page_size, self.options)

    def probe(self, sort: str) -> Call[Page[dict[str, Any]]]:
        """Build the call for some records with all their fields.

        Args:
            sort: What to sort by: one of the `SORTS_OF_TABLES`, which the server refuses for a view, or nothing.
        """
        params = {**self._params_without("sort", "fields"), **({"sort": sort} if sort else {})}
        return records.get_page(self.collection, 1, PROBE_SIZE, self.options.with_params(params))

    def reader(self) -> KeysetPages | NumberedPages:
        """Return a reader of all records, in the order of their ids where that is possible."""
        return records.make_pages(self.collection, PAGE_SIZE, self.options.with_params(self._params_without("sort")))

    def numbered_reader(self) -> NumberedPages:
        """Return a reader of all records in the order of the list."""
        return records.make_numbered_pages(self.collection, self.page_size, self.options)

    def order_reader(self, *, by_row: bool) -> NumberedPages:
        """Return a reader of all ids in the order of the list, or by row, which takes the server less time.

        The server returns records with equal sort values in the order of their rows, unless an index has another one.
        """
        params = {**self._params_without("expand"), "fields": "id", **({"sort": "@rowid"} if by_row else {})}
        return records.make_numbered_pages(self.collection, self.page_size, self.options.with_params(params))

    def records(
        self, ids: Sequence[str], *, in_order: bool = False
    ) -> tuple[Sequence[str], Call[Page[dict[str, Any]]]]:
        """Build the call for those records of the list that have one of these ids.

        Args:
            ids: The ids.
            in_order: Whether to read only the ids, by row.

        Returns:
            The first ids, as many as fit into one filter, and the call.
        """
        filter_ = _text(self.options, "filter")
        ids = ids[: min(MAX_IDS, MAX_CONDITIONS - count_conditions(filter_))]
        while (extended := extend(filter_, _one_of(ids))) is None:
            ids = ids[: len(ids) // 2]
        params = {**self._params_without("sort"), "filter": extended}
        if in_order:
            params = {**self._params_without("expand"), "filter": extended, "sort": "@rowid", "fields": "id"}
        options = self.options.with_params(params)
        return ids, records.get_page(self.collection, 1, len(ids), options)

    @property
    def reads_changes(self) -> bool:
        """True if the records that were changed since some time can be told by their field `updated`.

        That is not so where records of other collections matter, because their changes do not show there.
        """
        return self.asks_by_id and not (self.paths or self.watched)

    def changes(self, since: datetime) -> KeysetPages | NumberedPages:
        """Return a reader of the records that were changed since this time, which is one of the server."""
        condition = build_filter("updated >= {:since}", {"since": since})
        return records.make_pages(self.collection, PAGE_SIZE, self._with_condition(condition, "sort"))

    def count(self, ids: Range) -> Call[Page[dict[str, Any]]]:
        """Build the call for the number of records with an id of a range."""
        return records.get_list(self.collection, 1, 1, self._in_range(ids))

    def ids(self, ids: Range) -> KeysetPages | NumberedPages:
        """Return a reader of all ids of a range."""
        return records.make_pages(self.collection, PAGE_SIZE, self._in_range(ids))

    def topic(self, collection: str, fields: frozenset[str] = frozenset()) -> tuple[str, Options]:
        """Return the topic of a collection, and its options: events with the id and these fields alone."""
        params = {**self._params_without("sort", "filter", "expand"), "fields": ",".join(["id", *sorted(fields)])}
        return record_topic(collection, "*"), self.options.with_params(params)

    def _in_range(self, ids: Range) -> Options:
        limits = {"first": ("id >= {:first}", ids.first), "end": ("id < {:end}", ids.end)}
        given = {name: limit for name, limit in limits.items() if limit[1]}
        condition = " && ".join(text for text, _ in given.values())
        condition = build_filter(condition, {name: record_id for name, (_, record_id) in given.items()})
        options = self._with_condition(condition, "sort", "fields", "expand")
        return options.with_params({**options.params, "fields": "id"})

    def _with_condition(self, condition: str, *without: str) -> Options:
        """Return the options with one more condition, and without some parameters."""
        filter_ = _text(self.options, "filter")
        extended = extend(filter_, condition) if condition else filter_
        assert extended is not None, "asks_by_id has left space for it"
        params = {**self._params_without(*without), "filter": extended}
        return self.options.with_params(params if extended else self._params_without(*without, "filter"))

    def _params_without(self, *names: str) -> dict[str, Any]:
        return {name: value for name, value in self.options.params.items() if name not in names}


def is_askable(record_id: str) -> bool:
    """Return whether a filter can contain an id without escapes, which servers read differently."""
    return 0 < len(record_id.encode(errors="replace")) <= _MAX_ID_LENGTH and not {"\\", '"', "\0"} & {*record_id}


def _one_of(ids: Sequence[str]) -> str:
    names = [f"i{number}" for number in range(len(ids))]
    condition = " || ".join(f"id = {{:{name}}}" for name in names)
    return f"({build_filter(condition, dict(zip(names, ids, strict=True)))})"


def _text(options: Options, name: str) -> str:
    value = options.params.get(name, "")
    if not isinstance(value, str):
        raise PocketBaseInputError(f"params must not repeat {name!r} in a live query")
    return value


def _sort_keys(sort: str, fields: str) -> tuple[SortKey, ...] | None:
    """Return the sort keys; None if one of them is not a plain field, or if `fields` changes its values."""
    keys = parse_sort(sort)
    modified = {name.split(":")[0].strip() for name in fields.split(",") if ":" in name}
    return None if modified & {key.name for key in keys or ()} else keys


def _check_limit(limit: object) -> int | None:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, Integral):
        raise PocketBaseInputTypeError(f"limit must be an integer or None, not {limit!r}")
    if limit < 1:
        raise PocketBaseInputError(f"limit must be 1 or more, not {limit}")
    return int(limit)


def _check_watch(watched: object) -> tuple[str, ...]:
    names = (watched,) if isinstance(watched, str) else watched
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in cast("Sequence[object]", names)):
        raise PocketBaseInputTypeError(f"watch must be the name of a collection or a list of names, not {watched!r}")
    for name in cast("Sequence[str]", names):
        record_topic(name, "*")
    return tuple(dict.fromkeys(cast("Sequence[str]", names)))
