"""Collections."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing, parse_object, requires_version
from ..calls.paths import api_path
from . import pages
from .legacy_schema import from_legacy_schema

_PATH = api_path("collections")


def get_list(page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    return pages.get_list(_PATH, page, per_page, options)


def get_page(page: int, size: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    return pages.get_page(_PATH, page, size, options)


def get_first(options: Options) -> Call[dict[str, Any]]:
    return pages.get_first(_PATH, options)


def get_one(collection: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("collections", collection), parse_object)


def create(body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    return options.call("POST", _PATH, parse_object, body=from_legacy_schema(body))


def update(collection: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    return options.call("PATCH", api_path("collections", collection), parse_object, body=from_legacy_schema(body))


def delete(collection: str, options: Options) -> Call[None]:
    return options.call("DELETE", api_path("collections", collection), parse_nothing)


def import_collections(collections: Sequence[Mapping[str, Any]], delete_missing: bool, options: Options) -> Call[None]:
    if not isinstance(collections, (list, tuple)):
        raise TypeError(f"collections must be a list, not {type(collections).__name__}")
    body = {"collections": [*map(from_legacy_schema, collections)], "deleteMissing": delete_missing}
    return options.call("PUT", api_path("collections", "import"), parse_nothing, body=body)


def truncate(collection: str, options: Options) -> Call[None]:
    return options.call("DELETE", api_path("collections", collection, "truncate"), parse_nothing)


def get_scaffolds(options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("collections", "meta", "scaffolds"), parse_object)


def get_all_oauth2_providers(options: Options) -> Call[list[dict[str, Any]]]:
    path = api_path("collections", "meta", "oauth2-providers")
    return options.call("GET", path, requires_version("0.37", parse_list))


def dry_run_view_query(query: str, options: Options) -> Call[dict[str, Any]]:
    path = api_path("collections", "meta", "dry-run-view")
    return options.call("POST", path, requires_version("0.37", parse_object), body={"query": query})
