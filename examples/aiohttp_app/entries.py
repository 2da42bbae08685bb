"""Handlers that list, create, change and delete the guestbook's entries, and show their images."""

import mimetypes
from collections.abc import Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from pocketbase_core import (
    FileUpload,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseError,
    PocketBaseNotFoundError,
)

from .errors import error_response

ENTRIES = "guestbook_entries"
POCKETBASE = web.AppKey("pocketbase", PocketBase)
VISITOR = web.RequestKey("visitor", PocketBase)


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """Return the public part of a record whose author is expanded."""
    return {
        "id": record["id"],
        "author": record["author"],
        "name": record.get("expand", {}).get("author", {}).get("name", ""),
        "message": record["message"],
        "created": record["created"],
        "edited": bool(record["edited"]),
        "image": record["image"] and f"/images/{record['id']}/{record['image']}",
        "description": record["description"],
    }


async def show(request: web.Request) -> web.Response:
    """Return a page of entries, the newest first."""
    number = int(request.match_info["page"])
    page = await request.app[POCKETBASE].collection(ENTRIES).get_list(number, 20, sort="-created", expand="author")
    data = {"entries": [shown(record) for record in page["items"]], "more": number < page["totalPages"]}
    return web.json_response(data, headers={"Cache-Control": "no-store"})


def for_visitors(handler: Handler) -> Handler:
    """Refuse guests. Whose entry a visitor may change or delete is decided by the rules of the collection."""

    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        if not request[VISITOR].auth_store.is_valid:
            return error_response(401, "Please sign in first.")
        try:
            return await handler(request)
        except PocketBaseNotFoundError:
            return error_response(404, "This entry is gone, or you are not signed in as its author.")

    return checked


def content(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an entry. An image is uploaded from the temporary file that aiohttp received it in."""
    entry: dict[str, Any] = {name: str(form.get(name, "")).strip() for name in ("message", "description")}
    image = form.get("image")
    if isinstance(image, web.FileField):
        entry["image"] = FileUpload((image.filename, image.file))
    elif "without_image" in form:
        entry |= {"image": None, "description": ""}
    return entry


@for_visitors
async def write(request: web.Request) -> web.Response:
    """Create an entry as the visitor."""
    pb = request[VISITOR]
    entry = content(await request.post()) | {"author": (pb.auth_store.record or {}).get("id")}
    try:
        record = await pb.collection(ENTRIES).create(entry, expand="author")
    except PocketBaseBadRequestError as error:
        if error.field_errors:
            raise
        # The collection's rule refused the entry: the token is no longer valid.
        return error_response(401, "Please sign in again to post.")
    return web.json_response(shown(record), status=201)


@for_visitors
async def change(request: web.Request) -> web.Response:
    """Change an entry of the visitor."""
    written = request[VISITOR].collection(ENTRIES)
    entry = content(await request.post())
    return web.json_response(shown(await written.update(request.match_info["id"], entry, expand="author")))


@for_visitors
async def delete(request: web.Request) -> web.Response:
    """Delete an entry of the visitor."""
    await request[VISITOR].collection(ENTRIES).delete(request.match_info["id"])
    return web.json_response({})


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
