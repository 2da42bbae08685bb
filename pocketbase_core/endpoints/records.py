"""Records of a collection."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path, segment
from ..calls.record_body import record_body
from . import keyset, pages


@lru_cache(maxsize=256)
def _path(collection: str) -> str:
    return api_path("collections", collection, "records")


def _one(collection: str, record_id: str) -> str:
    return f"{_path(collection)}/{segment(record_id)}"


def get_list(collection: str, page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    return pages.get_list(_path(collection), page, per_page, options)


def get_page(collection: str, page: int, size: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    return pages.get_page(_path(collection), page, size, options)


def by_id(collection: str, size: int, options: Options) -> keyset.KeysetPages | keyset.NumberedPages:
    return keyset.by_id(_path(collection), size, options)


def get_first(collection: str, options: Options) -> Call[dict[str, Any]]:
    return pages.get_first(_path(collection), options)


def get_one(collection: str, record_id: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", _one(collection, record_id), parse_object)


def create(collection: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    values, files = record_body(body)
    return options.call("POST", _path(collection), parse_object, body=values, files=files)


def update(collection: str, record_id: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    values, files = record_body(body)
    return options.call("PATCH", _one(collection, record_id), parse_object, body=values, files=files)


def upsert(collection: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Create, or update the record of the body's id. Batches only: the server has no such route."""
    values, files = record_body(body)
    return options.call("PUT", _path(collection), parse_object, body=values, files=files)


def delete(collection: str, record_id: str, options: Options) -> Call[None]:
    return options.call("DELETE", _one(collection, record_id), parse_nothing)
