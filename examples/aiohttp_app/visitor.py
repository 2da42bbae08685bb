"""The visitor who sent a request. Each visitor has their own client, whose auth store is kept in a cookie."""

from aiohttp import web
from aiohttp.typedefs import Handler

from pocketbase_core import (
    AuthStore,
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseForbiddenError,
    PocketBaseNotFoundError,
    PocketBaseUnauthorizedError,
)

from .entries import POCKETBASE, VISITOR
from .errors import error_response

VISITORS = "guestbook_visitors"
WRONG_PASSWORD = "This name is taken, and the password is wrong."


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Load the visitor from the cookie, and set a new cookie if the token has changed afterwards."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return error_response(403, "The request came from another site.")
    pb = request[VISITOR] = request.app[POCKETBASE].with_auth_store(AuthStore())
    pb.auth_store.load_from_cookie(request.headers.get("Cookie", ""))
    token = pb.auth_store.token
    response = await handler(request)
    if pb.auth_store.token != token:
        response.headers.add("Set-Cookie", pb.auth_store.export_to_cookie(secure=request.secure))
    return response


async def show(request: web.Request) -> web.Response:
    """Return who is signed in. The cookie is user input, so the token is verified by refreshing it."""
    pb = request[VISITOR]
    try:
        if pb.auth_store.is_valid:
            await pb.collection(VISITORS).auth.refresh()
        else:
            pb.auth_store.clear()
    except (PocketBaseUnauthorizedError, PocketBaseForbiddenError, PocketBaseNotFoundError):
        pb.auth_store.clear()
    return signed_in(pb)


async def sign_in(request: web.Request) -> web.Response:
    """Sign in. A name that is not taken yet is registered."""
    pb, form = request[VISITOR], await request.post()
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    visitors = pb.collection(VISITORS)
    try:
        await visitors.auth.with_password(name, password)
    except PocketBaseBadRequestError:
        try:
            await visitors.create({"name": name, "password": password})
        except PocketBaseBadRequestError as error:
            if error.field_errors.get("name", {}).get("code") != "validation_not_unique":
                raise
            return error_response(400, WRONG_PASSWORD, {"password": WRONG_PASSWORD})
        await visitors.auth.with_password(name, password)
    return signed_in(pb)


async def sign_out(request: web.Request) -> web.Response:
    request[VISITOR].auth_store.clear()
    return signed_in(request[VISITOR])


def signed_in(pb: PocketBase) -> web.Response:
    record = pb.auth_store.record or {}
    visitor = {"id": record.get("id"), "name": record.get("name")}
    return web.json_response(visitor, headers={"Cache-Control": "no-store"})
