"""Handlers that list, create and show the guestbook's entries and images."""

import mimetypes
from contextlib import suppress
from typing import Any

from aiohttp import web

from pocketbase_core import FileUpload, PocketBase, PocketBaseBadRequestError, PocketBaseError

from .errors import error_response

ENTRIES = "guestbook_entries"
POCKETBASE = web.AppKey("pocketbase", PocketBase)
VISITOR = web.RequestKey("visitor", PocketBase)


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """Return the public part of a record whose author is expanded."""
    return {
        "id": record["id"],
        "name": record.get("expand", {}).get("author", {}).get("name", ""),
        "message": record["message"],
        "created": record["created"],
        "image": record["image"] and f"/images/{record['id']}/{record['image']}",
    }


async def show(request: web.Request) -> web.Response:
    """Return a page of entries, the newest first."""
    number = int(request.match_info["page"])
    page = await request.app[POCKETBASE].collection(ENTRIES).get_list(number, 20, sort="-created", expand="author")
    data = {"entries": [shown(record) for record in page["items"]], "more": number < page["totalPages"]}
    return web.json_response(data, headers={"Cache-Control": "no-store"})


async def write(request: web.Request) -> web.Response:
    """Create an entry as the visitor. The image is uploaded from the temporary file that aiohttp received it in."""
    pb = request[VISITOR]
    if not pb.auth_store.is_valid:
        return error_response(401, "Please sign in to post.")
    form = await request.post()
    image = form.get("image")
    entry: dict[str, Any] = {
        "author": (pb.auth_store.record or {}).get("id"),
        "message": str(form.get("message", "")).strip(),
    }
    if isinstance(image, web.FileField):
        entry["image"] = FileUpload((image.filename, image.file))
    try:
        record = await pb.collection(ENTRIES).create(entry, expand="author")
    except PocketBaseBadRequestError as error:
        if error.field_errors:
            raise
        # The collection's rule refused the entry: the token is no longer valid.
        return error_response(401, "Please sign in again to post.")
    return web.json_response(shown(record), status=201)


async def image(request: web.Request) -> web.StreamResponse:
    """Stream an image from PocketBase to the browser."""
    record_id, name = request.match_info["id"], request.match_info["name"]
    response = web.StreamResponse(headers={"Cache-Control": "public, max-age=31536000, immutable"})
    response.content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    async with request.app[POCKETBASE].files.stream(ENTRIES, record_id, name, thumb="1200x1200f") as source:
        try:
            with suppress(ConnectionResetError):  # the browser is gone
                await response.prepare(request)
                async for chunk in source.aiter_bytes():
                    await response.write(chunk)
        except PocketBaseError:
            if request.transport is not None:
                request.transport.abort()  # an incomplete image must not look complete
    return response
