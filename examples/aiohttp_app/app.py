"""The application: its routes, and the resources that are open while it runs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from pocketbase_core import AuthStore, PocketBase
from pocketbase_transports import AiohttpTransport

from . import entries, visitor
from .browsers import Browsers
from .entries import ENTRIES, POCKETBASE
from .errors import errors

FOLDER = Path(__file__).parent
SESSION = web.AppKey("session", aiohttp.ClientSession)
LARGEST_REQUEST = 6 * 1024 * 1024
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(url: str, email: str, password: str) -> web.Application:
    """Create a guestbook on the PocketBase at `url`. The superuser is only needed to create the collections."""
    browsers = Browsers()

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as app[SESSION]:  # shared by visitors
            yield

    async def pocketbase(app: web.Application) -> AsyncIterator[None]:
        async with PocketBase(url, transport=AiohttpTransport(app[SESSION])) as app[POCKETBASE]:
            superuser = app[POCKETBASE].with_auth_store(AuthStore())
            await superuser.admins.auth.with_password(email, password)
            await superuser.collections.import_collections(json.loads((FOLDER / "collections.json").read_text()))
            yield

    async def live(app: web.Application) -> AsyncIterator[None]:
        def changed(event: dict[str, Any]) -> None:
            browsers.send(event["action"], entries.shown(event["record"]))

        written = app[POCKETBASE].collection(ENTRIES)
        await written.subscribe_all(changed, expand="author", on_gap=lambda _: browsers.send("reload"))
        yield

    async def shutdown(_: web.Application) -> None:
        browsers.close()

    app = web.Application(middlewares=[visitor.middleware, errors], client_max_size=LARGEST_REQUEST)
    app.cleanup_ctx.extend([session, pocketbase, live])
    app.on_shutdown.append(shutdown)
    app.on_response_prepare.append(protect)
    app.router.add_get("/", page)
    app.router.add_static("/static", FOLDER / "page")
    app.router.add_get("/events", browsers.stream)
    app.router.add_get("/session", visitor.show)
    app.router.add_post("/session", visitor.sign_in)
    app.router.add_delete("/session", visitor.sign_out)
    app.router.add_get(r"/entries/{page:[1-9]\d{0,5}}", entries.show)
    app.router.add_post("/entries", entries.write)
    app.router.add_patch(r"/entries/{id:\w+}", entries.change)
    app.router.add_delete(r"/entries/{id:\w+}", entries.delete)
    app.router.add_get(r"/images/{id:\w+}/{name:\w[\w.-]*}", entries.image)
    return app


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(FOLDER / "page" / "index.html")
