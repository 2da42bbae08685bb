"""The records of a collection."""

from functools import lru_cache
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path, segment
from ..calls.record_body import record_body
from ..messages.instances import Body
from . import keyset, pages


@lru_cache(maxsize=256)
def _path(collection: str) -> str:
    return api_path("collections", collection, "records")


def _one(collection: str, record_id: str) -> str:
    return f"{_path(collection)}/{segment(record_id)}"


def get_list(collection: str, page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    """Build the call for one page of records."""
    return pages.get_list(_path(collection), page, per_page, options)


def get_page(collection: str, page: int, size: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    """Build the call for a page of records that are read to the end of the list."""
    return pages.get_page(_path(collection), page, size, options)


def make_pages(collection: str, size: int, options: Options) -> keyset.KeysetPages | keyset.NumberedPages:
    """Return a reader of all records; see `keyset`."""
    return keyset.make_pages(_path(collection), size, options)


def make_numbered_pages(collection: str, size: int, options: Options) -> keyset.NumberedPages:
    """Return a reader of all records by page number, in the order of the list."""
    return keyset.NumberedPages(_path(collection), size, options)


def get_first(collection: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for the first record. Its parser raises PocketBaseNotFoundError if there is none."""
    return pages.get_first(_path(collection), options)


def get_one(collection: str, record_id: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for the record with this id."""
    return Call.build("GET", _one(collection, record_id), parse_object, options)


def create(collection: str, body: Body, options: Options) -> Call[dict[str, Any]]:
    """Build the call that creates a record."""
    values, files = record_body(body)
    return Call.build("POST", _path(collection), parse_object, options, body=values, files=files)


def update(collection: str, record_id: str, body: Body, options: Options) -> Call[dict[str, Any]]:
    """Build the call that changes fields of a record."""
    values, files = record_body(body, only_set=True)
    return Call.build("PATCH", _one(collection, record_id), parse_object, options, body=values, files=files)


def upsert(collection: str, body: Body, options: Options) -> Call[dict[str, Any]]:
    """Build the call that creates a record, or updates the record of the body's id.

    PocketBase supports it in batches only.
    """
    values, files = record_body(body)
    return Call.build("PUT", _path(collection), parse_object, options, body=values, files=files)


def delete(collection: str, record_id: str, options: Options) -> Call[None]:
    """Build the call that deletes a record."""
    return Call.build("DELETE", _one(collection, record_id), parse_nothing, options)
