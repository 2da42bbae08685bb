"""A list that is read to its end, in the order of ids where that is possible."""

import re
from dataclasses import replace
from typing import Any

from ..calls.call import Call
from ..calls.filters import build_filter
from ..calls.options import Options
from ..messages import Response
from .pages import Page, get_page, is_last, with_page_size

Record = dict[str, Any]
_ID_CUT = re.compile(r"(^|,)\s*(id|\*)\s*:")
# Within parentheses PocketBase reads comments and escapes in another way than outside of them.
_UNSAFE_IN_PARENTHESES = re.compile(r"//|\\")
_MAX_FILTER_LENGTH = 3500
"""Bytes of a filter that PocketBase accepts."""
_MAX_CONDITIONS = 200
"""Conditions of a filter that PocketBase accepts."""


class NumberedPages:
    """A reader of a list by page numbers: `next_call` builds the call for the next records, until `is_done`."""

    def __init__(self, path: str, size: int, options: Options, given: int = 0) -> None:
        self._path = path
        self._size = size
        self._options = options
        self._number, self._skip = given // size + 1, given % size
        self._page_size: int | None = size if given else None
        self.is_done = False

    def next_call(self) -> Call[list[Record]]:
        """Build the call for the records that come next.

        Its parser raises PocketBaseDecodeError for a page that does not continue the list.
        """
        call = with_page_size(get_page(self._path, self._number, self._size, self._options), self._page_size)

        def parse(response: Response) -> list[Record]:
            page = call.parse(response)
            records = page["items"][self._skip :]
            self._skip = 0
            self._number += 1
            self._page_size = page["perPage"]
            self.is_done = is_last(page)
            return records

        return call.with_parser(parse)


class KeysetPages:
    """A reader of a list in the order of ids, each page from the last id of the page before it (keyset pagination).

    No page costs more than the first, and none is shifted by what others create or delete. Ids may repeat, as in a view
    that joins tables: the records with the last id of a full page are held back until the next page, which begins with
    all records of that id. An id with more records than a page holds is read by page numbers. So is the rest of the
    list where an id cannot be written into a filter, and where a page does not follow the one before it: the server
    compares ids in another way (`COLLATE NOCASE`), or a cache answers, which page numbers bring to light.
    """

    def __init__(self, path: str, size: int, options: Options, *, without_id: bool) -> None:
        self._path = path
        self._size = size + 1  # one record is held back
        self._options = options
        self._without_id = without_id
        self._where = str(options.params.get("filter", "")).strip()
        self._key: str | None = None
        self._held: list[Record] = []
        self._given = 0
        self._numbered: NumberedPages | None = None
        self._is_run = False
        self.is_done = False

    def next_call(self) -> Call[list[Record]]:
        """Build the call for the records that come next, as `Numbered.next_call` does."""
        if self._numbered is not None:
            return self._next_numbered(self._numbered)
        options = self._options
        if self._key is not None:
            options = self._filtered(">=" if self._held else ">", self._key)
        call = get_page(self._path, 1, self._size, options)
        return call.with_parser(lambda response: self._give(self._take(call.parse(response))))

    def _next_numbered(self, numbered: NumberedPages) -> Call[list[Record]]:
        call = numbered.next_call()

        def parse(response: Response) -> list[Record]:
            records = call.parse(response)
            if numbered.is_done:
                self._numbered = None
                self.is_done = not self._is_run
            return self._give(records)

        return call.with_parser(parse)

    def _take(self, page: Page[Record]) -> list[Record]:
        """Return those records of a page, and of those held back, that are to be given now."""
        ids: list[Any] = [record.get("id") for record in page["items"]]
        if not self._follows(ids):
            return self._number_the_rest(page["perPage"])
        if self._key in ids:
            self._held = []  # the page has them, with all others of this id
        ready = self._held + page["items"]
        self._held = []
        if is_last(page):
            self.is_done = True
            return ready
        last: str = ids[-1]
        if self._filter(">=", last) is None:
            return self._number_the_rest(page["perPage"])
        run = next((count for count, key in enumerate(reversed(ids)) if key != last), len(ids))
        if run == len(ids):
            # So is each page of ids that are not set: they come first, read as "", and only `=` finds them.
            self._numbered, self._is_run = NumberedPages(self._path, self._size, self._filtered("=", last)), True
        else:
            self._held = ready[-run:]
        self._key = last
        return ready[: len(ready) - run]

    def _follows(self, ids: list[Any]) -> bool:
        """Return whether a page is in the order of texts, and follows the page before it."""
        if not all(isinstance(key, str) for key in ids):
            return False
        if self._key in ids and not self._held:
            return False
        in_turn = ids if self._key is None else [self._key, *ids]
        return in_turn == sorted(in_turn)

    def _number_the_rest(self, size: int) -> list[Record]:
        """Have what was not given yet read by page numbers, and give nothing now."""
        self._held = []
        self._numbered, self._is_run = NumberedPages(self._path, size, self._options, self._given), False
        return []

    def _give(self, records: list[Record]) -> list[Record]:
        self._given += len(records)
        if self._without_id:
            for record in records:
                record.pop("id", None)
        return records

    def _filter(self, comparison: str, key: str) -> str | None:
        """Build the filter for the records whose ids compare so with this key; None where no filter can say that."""
        try:
            expression = build_filter(f"id {comparison} {{:id}}", {"id": key})
            if self._where:
                # The first page, which has the filter as it is, has shown that its parentheses match.
                expression = f"{expression} && ({self._where})"
            return expression if len(expression.encode()) <= _MAX_FILTER_LENGTH else None
        except ValueError:
            return None

    def _filtered(self, comparison: str, key: str) -> Options:
        where = self._filter(comparison, key)
        assert where is not None  # as `_take` has seen
        return replace(self._options, params={**self._options.params, "filter": where})


def by_id(path: str, size: int, options: Options) -> KeysetPages | NumberedPages:
    """Return a reader of a list: in the order of ids, or by page numbers in the order that the options ask for.

    Raises:
        TypeError, ValueError: the options or the size cannot be sent.
    """
    get_page(path, 1, size, options)
    sort, where, fields = (options.params.get(name, "") for name in ("sort", "filter", "fields"))
    if not (isinstance(sort, str) and isinstance(where, str) and isinstance(fields, str)):
        return NumberedPages(path, size, options)
    if sort.strip() not in ("", "id", "+id") or _ID_CUT.search(fields):
        return NumberedPages(path, size, options)
    params = {**options.params, "sort": "id"}
    if _UNSAFE_IN_PARENTHESES.search(where) or len(re.findall(r"&&|\|\|", where)) + 1 >= _MAX_CONDITIONS:
        return NumberedPages(path, size, replace(options, params=params))
    without_id = bool(fields) and {"id", "*"}.isdisjoint(name.strip() for name in fields.split(","))
    if without_id:
        params["fields"] = f"{fields},id"
    return KeysetPages(path, size, replace(options, params=params), without_id=without_id)
