"""Run a live guestbook. Open the page in two windows.

python -m examples.aiohttp_app                      starts a throw-away PocketBase
python -m examples.aiohttp_app --port 9000 --url http://127.0.0.1:8090 --email admin@example.com --password …
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from aiohttp import web

from pocketbase_core.testing import LocalServer

from .app import create_app


async def guestbook(arguments: argparse.Namespace) -> web.Application:
    if arguments.url:
        return create_app(arguments.url, arguments.email, arguments.password)
    stack = AsyncExitStack()
    server = await stack.enter_async_context(LocalServer())

    async def stop(_: web.Application) -> AsyncIterator[None]:
        async with stack:
            yield

    app = create_app(server.url, *server.superuser)
    app.cleanup_ctx.insert(0, stop)
    return app


parser = argparse.ArgumentParser(prog="python -m examples.aiohttp_app", description="Run a live guestbook.")
parser.add_argument("--url", help="a running PocketBase (default: start a throw-away one)")
parser.add_argument("--email", default="admin@example.com", help="the superuser, who creates the collections")
parser.add_argument("--password", default="")
parser.add_argument("--port", type=int, default=8080)
chosen = parser.parse_args()
web.run_app(guestbook(chosen), host="127.0.0.1", port=chosen.port, shutdown_timeout=2)
