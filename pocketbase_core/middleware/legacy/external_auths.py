"""The accounts of OAuth2 providers that are linked to a record.

They are records of `_externalAuths` since 0.23. PocketBase 0.22 lists those of one record, whose collection must be
named, and removes one by the name of its provider. So the id of a link names its collection, record and provider.
"""

import re
from typing import Any
from urllib.parse import quote, unquote

from ...auth.token import SUPERUSERS_ID, subject
from ...calls.legacy_refusal import refuse
from ...messages import Request, Response
from ...messages.json_values import as_list, as_object
from ..chain import Handler
from .errors import MISSING

_FILTER = re.compile(r'recordRef = "([A-Za-z0-9_]+)"(?: && provider = "([^"\\]+)")?')
_LINK = re.compile(r"([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)\.([A-Za-z0-9_-]+)")


async def list_links(request: Request, api_url: str, call_next: Handler) -> Response:
    """Return the page of links that a filter by record, and by provider, asks for.

    The page is empty if the user may not see the links of the record.

    Args:
        request: The request for records of `_externalAuths`.
        api_url: The URL of the server's API.
        call_next: Sends a request.

    Raises:
        PocketBaseInputError: If the request asks for anything else.
    """
    match = _FILTER.fullmatch(str(request.params.get("filter", "")))
    if match is None:
        raise refuse("a list of external auths other than those of one record", "0.23")
    record_id, provider = match[1], match[2]
    collections = await _collections(request, api_url, call_next)
    if isinstance(collections, Response):
        return collections
    links: list[dict[str, Any]] = []
    for collection in collections:
        response = await call_next(request.replace(url=_url(api_url, collection, record_id), params={}))
        if 200 <= response.status_code < 300:
            links = [_link(collection, record_id, as_object(each)) for each in response.json()]
            break
        if not 400 <= response.status_code < 500:
            return response
    items = [each for each in links if provider in (None, each["provider"])]
    number = int(str(request.params.get("page", "1")))
    page = {"page": number, "perPage": max(len(items), 1), "totalItems": len(items), "totalPages": 1}
    return Response(200, url=request.url, json={**page, "items": items if number == 1 else []})


async def view_link(request: Request, api_url: str, call_next: Handler) -> Response:
    """Return a link, for which those of its record are read.

    A delete whose response was lost asks for it. The arguments are those of `list_links`.

    Raises:
        PocketBaseInputError: If the id is not one of `list_links`.
    """
    collection, record_id, provider = _parts(request)
    response = await call_next(request.replace(url=_url(api_url, collection, record_id), params={}))
    if not 200 <= response.status_code < 300:
        return response
    links = [_link(collection, record_id, as_object(each)) for each in response.json()]
    for link in links:
        if link.get("provider") == provider:
            return Response(200, url=request.url, json=link)
    return Response(404, url=request.url, json={"code": 404, "message": MISSING, "data": {}})


async def unlink(request: Request, api_url: str, call_next: Handler) -> Request:
    """Return the request that removes a link.

    Raises:
        PocketBaseInputError: If the id is not one of `list_links`.
    """
    collection, record_id, provider = _parts(request)
    return request.replace(url=f"{_url(api_url, collection, record_id)}/{quote(provider, safe='')}")


def _parts(request: Request) -> tuple[str, str, str]:
    """Return the collection, the record and the provider that the id in the URL of a request names."""
    link_id = unquote(request.url.partition("?")[0].rpartition("/")[2])
    match = _LINK.fullmatch(link_id)
    if match is None:
        raise refuse(f"the id {link_id!r} of an external auth", "0.23")
    return match[1], match[2], match[3]


async def _collections(request: Request, api_url: str, call_next: Handler) -> list[str] | Response:
    """Return the collections that the record may belong to: the user's own, or all of them for a superuser."""
    own, _ = subject(request.headers.get("Authorization", ""))
    if isinstance(own, str) and own != SUPERUSERS_ID:
        return [own]
    params = {"filter": 'type = "auth"', "perPage": "500"}
    response = await call_next(request.replace(url=f"{api_url}/collections", params=params))
    if 400 <= response.status_code < 500:
        return []
    if not 200 <= response.status_code < 300:
        return response
    return [str(as_object(each).get("id")) for each in as_list(as_object(response.json()).get("items"))]


def _url(api_url: str, collection: str, record_id: str) -> str:
    return f"{api_url}/collections/{quote(collection, safe='')}/records/{quote(record_id, safe='')}/external-auths"


def _link(collection: str, record_id: str, link: dict[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in link.items() if key not in ("collectionId", "recordId")}
    link_id = f"{collection}.{record_id}.{link.get('provider')}"
    system = {"collectionId": "_externalAuths", "collectionName": "_externalAuths"}
    return {**others, **system, "id": link_id, "collectionRef": collection, "recordRef": record_id}
