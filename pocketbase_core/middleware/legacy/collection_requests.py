"""Changes of collections, for which the collections as they are have to be read first."""

from collections.abc import Mapping
from typing import Any

from ...messages import Request, Response
from ...messages.json_values import as_list, as_object
from ..chain import Handler
from .collections import legacy_collection, legacy_import

_PAGE_SIZE = 500


async def update(request: Request, api_url: str, call_next: Handler) -> Request | Response:
    """Return the update of a collection in the form of PocketBase 0.22, or the refusal to show the collection.

    Fields are updated by their ids. A field without one would lose its data.
    """
    response = await call_next(_read(request, request.url.partition("?")[0], {}))
    if not 200 <= response.status_code < 300:
        return response
    return request.replace(body=legacy_collection(as_object(request.json()), as_object(response.json())))


async def import_collections(request: Request, api_url: str, call_next: Handler) -> Request | Response:
    """Return the import of collections in the form of PocketBase 0.22, or the refusal to show the collections."""
    known: dict[object, Mapping[str, Any]] = {}
    number, is_last = 0, False
    while not is_last:
        number += 1
        params = {"page": str(number), "perPage": str(_PAGE_SIZE)}
        response = await call_next(_read(request, f"{api_url}/collections", params))
        if not 200 <= response.status_code < 300:
            return response
        items = [*map(as_object, as_list(as_object(response.json()).get("items")))]
        known.update({each.get(key): each for each in items for key in ("id", "name")})
        is_last = len(items) < _PAGE_SIZE
    body = as_object(request.json())
    collections = [*map(as_object, as_list(body.get("collections")))]
    legacy = [legacy_import(each, known.get(each.get("id")) or known.get(each.get("name"))) for each in collections]
    return request.replace(body={**body, "collections": legacy})


def _read(request: Request, url: str, params: Mapping[str, str]) -> Request:
    return request.replace(method="GET", url=url, params=params, body=None, files=())
