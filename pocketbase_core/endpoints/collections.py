"""The collections of the server."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing, parse_object, requires_version
from ..calls.paths import api_path
from ..input_errors import PocketBaseInputTypeError
from . import pages
from .legacy_schema import from_legacy_schema

_UNIQUE_INDEX = re.compile(r"\s*CREATE\s+UNIQUE\s+INDEX\b[^(]*\(\s*[`\"\[']?(\w+)[`\"\]']?[^,)]*\)", re.IGNORECASE)
_PATH = api_path("collections")


def get_list(page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    """Build the call for one page of collections."""
    return pages.get_list(_PATH, page, per_page, options)


def get_page(page: int, size: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    """Build the call for a page of collections that are read to the end of the list."""
    return pages.get_page(_PATH, page, size, options)


def get_first(options: Options) -> Call[dict[str, Any]]:
    """Build the call for the first collection. Its parser raises PocketBaseNotFoundError if there is none."""
    return pages.get_first(_PATH, options)


def get_one(collection: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for a collection by its id or name."""
    return Call.build("GET", api_path("collections", collection), parse_object, options)


def create(body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Build the call that creates a collection."""
    return Call.build("POST", _PATH, parse_object, options, body=from_legacy_schema(body, is_new=True))


def update(collection: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Build the call that changes a collection."""
    return Call.build(
        "PATCH", api_path("collections", collection), parse_object, options, body=from_legacy_schema(body)
    )


def delete(collection: str, options: Options) -> Call[None]:
    """Build the call that deletes a collection."""
    return Call.build("DELETE", api_path("collections", collection), parse_nothing, options)


def import_collections(collections: Sequence[Mapping[str, Any]], delete_missing: bool, options: Options) -> Call[None]:
    """Build the call that creates and updates many collections."""
    if not isinstance(collections, (list, tuple)):
        raise PocketBaseInputTypeError(f"collections must be a list, not {type(collections).__name__}")
    body = {"collections": [*map(from_legacy_schema, collections)], "deleteMissing": delete_missing}
    return Call.build("PUT", api_path("collections", "import"), parse_nothing, options, body=body)


def truncate(collection: str, options: Options) -> Call[None]:
    """Build the call that deletes all records of a collection."""
    return Call.build("DELETE", api_path("collections", collection, "truncate"), parse_nothing, options)


def get_scaffolds(options: Options) -> Call[dict[str, Any]]:
    """Build the call for a new collection of each type."""
    return Call.build("GET", api_path("collections", "meta", "scaffolds"), parse_object, options)


def get_all_oauth2_providers(options: Options) -> Call[list[dict[str, Any]]]:
    """Build the call for the OAuth2 providers that the server supports (PocketBase 0.37)."""
    path = api_path("collections", "meta", "oauth2-providers")
    return Call.build("GET", path, requires_version("0.37", parse_list), options)


def dry_run_view_query(query: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call that runs the query of a view without saving it (PocketBase 0.37)."""
    path = api_path("collections", "meta", "dry-run-view")
    return Call.build("POST", path, requires_version("0.37", parse_object), options, body={"query": query})


def unique_fields(collection: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the fields that a unique index of one column makes unique.

    An index with WHERE counts too. It does so for PocketBase, which then expands a back-relation to a single record.
    """
    matches = map(_UNIQUE_INDEX.match, map(str, collection.get("indexes") or ()))
    return frozenset(match[1] for match in matches if match)
