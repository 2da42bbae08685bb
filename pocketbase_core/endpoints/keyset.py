"""Reading a list of records to its end: in the order of ids where that is possible, else by page numbers.

Theory of operation: a page number is a count of records, so each page costs the server more than the one before it, and
a record that somebody creates or deletes meanwhile shifts all pages behind it. `KeysetPages` asks for
`id > "<the last id>"` and always for page 1 (keyset pagination). Every page is then equally cheap, and each record that
exists throughout is returned exactly once.

Ids may repeat, for example in a view that joins tables. `id > last` would skip the other records of an id that
continues on the next page. So the records with the last id of a full page are held back, and the next request is
`id >= last`, which returns all records of that id together. A page with one id alone leaves no room for that: the
records of this id are read by page number, with `id = last`, and then the list goes on with `id > last`.

The remaining records are read by page number (`_fall_back`) when

- an id or the filter cannot be written into a longer filter that every server understands;
- a page does not continue the page before it. Then the server compares ids differently (`COLLATE NOCASE`), or a cache
  returns an old page. Page numbers work with the former and bring the latter to light.

Page numbers are used from the start (`make_pages`) if the caller sorts by something else, or if the filter or the
fields are such that a condition on the id cannot be added to them.

A reader does no I/O: `next_call` builds the call for a page, and `accept` takes the page and returns its records.
"""

import re
from typing import Any

from ..calls.call import Call
from ..calls.filters import build_filter
from ..calls.options import Options
from .extended_filter import MAX_CONDITIONS, count_conditions, extend, is_extensible
from .pages import Page, get_page, is_last, with_page_size

Record = dict[str, Any]
MODIFIED_ID = re.compile(r"(^|,)\s*(id|\*)\s*:")
"""A modifier such as `id:excerpt(3)`, with which the server returns other ids than the filter compares."""


class NumberedPages:
    """A reader of a list by page numbers.

    Args:
        path: The path of the list.
        size: The number of records for each request.
        options: The options of the call.
        offset: The number of records at the beginning of the list to leave out.
    """

    def __init__(self, path: str, size: int, options: Options, offset: int = 0) -> None:
        self._path = path
        self._size = size
        self._options = options
        self._page_number, self._skip = offset // size + 1, offset % size
        self._page_size: int | None = size if offset else None
        self.is_done = False
        """True once the last page was accepted."""

    def next_call(self) -> Call[Page[Record]]:
        """Build the call for the next page.

        Its parser raises PocketBaseDecodeError for a page that does not continue the list.
        """
        return with_page_size(get_page(self._path, self._page_number, self._size, self._options), self._page_size)

    def accept(self, page: Page[Record]) -> list[Record]:
        """Return the records of the page that `next_call` asked for."""
        records = page["items"][self._skip :]
        self._skip = 0
        self._page_number += 1
        self._page_size = page["perPage"]
        self.is_done = is_last(page)
        return records


class KeysetPages:
    """A reader of a list in the order of ids, as the module describes.

    Args:
        path: The path of the list.
        size: The number of records for each request.
        options: The options of the call. They sort by id, and their fields include the id.
        remove_ids: Whether to remove the ids from the records, because the caller did not ask for this field.
    """

    def __init__(self, path: str, size: int, options: Options, *, remove_ids: bool) -> None:
        self._path = path
        self._size = size + 1  # because records are held back, at least one for each full page
        self._options = options
        self._remove_ids = remove_ids
        self._caller_filter = str(options.params.get("filter", "")).strip()
        self._last_id: str | None = None
        self._held_back: list[Record] = []
        self._returned_count = 0
        self._numbered_pages: NumberedPages | None = None
        self._numbered_pages_are_one_id = False
        self.is_done = False
        """True once the last page was accepted."""

    def next_call(self) -> Call[Page[Record]]:
        """Build the call for the next page, as `NumberedPages.next_call` does."""
        if self._numbered_pages is not None:
            return self._numbered_pages.next_call()
        options = self._options
        if self._last_id is not None:
            options = self._with_condition(">=" if self._held_back else ">", self._last_id)
        return get_page(self._path, 1, self._size, options)

    def accept(self, page: Page[Record]) -> list[Record]:
        """Return the records that are complete with the page that `next_call` asked for; perhaps none."""
        records = self._accept_by_id(page) if self._numbered_pages is None else self._accept_by_number(page)
        self._returned_count += len(records)
        if self._remove_ids:
            for record in records:
                record.pop("id", None)
        return records

    def _accept_by_number(self, page: Page[Record]) -> list[Record]:
        assert self._numbered_pages is not None
        records = self._numbered_pages.accept(page)
        if self._numbered_pages.is_done:
            self._numbered_pages = None
            self.is_done = not self._numbered_pages_are_one_id
        return records

    def _accept_by_id(self, page: Page[Record]) -> list[Record]:
        ids: list[Any] = [record.get("id") for record in page["items"]]
        if not self._continues_list(ids):
            return self._fall_back(page["perPage"])
        if self._last_id in ids:
            self._held_back = []  # the page contains them, with all other records of this id
        records = self._held_back + page["items"]
        self._held_back = []
        if is_last(page):
            self.is_done = True
            return records
        last_id: str = ids[-1]
        if self._build_filter(">=", last_id) is None:
            return self._fall_back(page["perPage"])
        repeats = next((count for count, each in enumerate(reversed(ids)) if each != last_id), len(ids))
        if repeats == len(ids):
            # This includes ids that are null: they come first, are returned as "", and only `=` matches them.
            options = self._with_condition("=", last_id)
            self._numbered_pages, self._numbered_pages_are_one_id = NumberedPages(self._path, self._size, options), True
        else:
            self._held_back = records[-repeats:]
        self._last_id = last_id
        return records[: len(records) - repeats]

    def _continues_list(self, ids: list[Any]) -> bool:
        """Return whether the ids of a page are in order and follow the last id."""
        if not all(isinstance(each, str) for each in ids):
            return False
        if self._last_id in ids and not self._held_back:
            return False
        sequence = ids if self._last_id is None else [self._last_id, *ids]
        return sequence == sorted(sequence)

    def _fall_back(self, size: int) -> list[Record]:
        """Read all records that were not returned yet by page number, and return none for now."""
        self._held_back = []
        self._numbered_pages = NumberedPages(self._path, size, self._options, self._returned_count)
        self._numbered_pages_are_one_id = False
        return []

    def _build_filter(self, comparison: str, record_id: str) -> str | None:
        """Return the caller's filter with a condition on the id; None if it cannot be written or is too long."""
        try:
            return extend(self._caller_filter, build_filter(f"id {comparison} {{:id}}", {"id": record_id}))
        except ValueError:
            return None

    def _with_condition(self, comparison: str, record_id: str) -> Options:
        expression = self._build_filter(comparison, record_id)
        assert expression is not None  # `_accept_by_id` has checked that
        return self._options.with_params({**self._options.params, "filter": expression})


def make_pages(path: str, size: int, options: Options) -> KeysetPages | NumberedPages:
    """Return a reader of a list: in the order of ids if the options allow it, else by page number.

    Raises:
        TypeError: If `size` is not an integer.
        ValueError: If `size` is below 1, or the options contain a parameter of pages.
    """
    get_page(path, 1, size, options)
    sort, filter_, fields = (options.params.get(name, "") for name in ("sort", "filter", "fields"))
    if not (isinstance(sort, str) and isinstance(filter_, str) and isinstance(fields, str)):
        return NumberedPages(path, size, options)
    if sort.strip() not in ("", "id", "+id") or MODIFIED_ID.search(fields):
        return NumberedPages(path, size, options)
    params = {**options.params, "sort": "id"}
    if not is_extensible(filter_) or count_conditions(filter_) >= MAX_CONDITIONS:
        return NumberedPages(path, size, options.with_params(params))
    remove_ids = bool(fields) and {"id", "*"}.isdisjoint(name.strip() for name in fields.split(","))
    if remove_ids:
        params["fields"] = f"{fields},id"
    return KeysetPages(path, size, options.with_params(params), remove_ids=remove_ids)
