"""The SDK in two minutes, against a real PocketBase.

python examples/quickstart.py                       starts a throw-away server
python examples/quickstart.py --transport httpx     the same on httpx
python examples/quickstart.py --url http://127.0.0.1:8090 --email admin@example.com --password …
"""

import argparse
import asyncio
import logging
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from pocketbase_core import PocketBase, PocketBaseBadRequestError, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Logging, Middleware, Retry
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport

TRANSPORTS: dict[str, type[AiohttpTransport] | type[HttpxTransport]] = {
    "aiohttp": AiohttpTransport,
    "httpx": HttpxTransport,
}


def heading(text: str) -> None:
    bold, plain = ("\033[1;36m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{text}{plain}")


def line(label: str, value: object = "") -> None:
    print(f"   {label:<28} {value}".rstrip())


async def records(pb: PocketBase, name: str) -> None:
    heading("Make a collection")
    fields: list[dict[str, Any]] = [
        {"name": "title", "type": "text", "required": True},
        {"name": "stars", "type": "number"},
        {"name": "tags", "type": "json"},
    ]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    line("fields", ", ".join(field["name"] for field in fields))

    heading("Create")
    books = pb.collection(name)
    for title, stars, tags in [
        ("Dune", 5, ["desert", "epic"]),
        ('It\'s "complicated"', 3, []),
        ("Solaris", 4, ["sea"]),
        ("A draft", 0, []),
    ]:
        book = await books.create({"title": title, "stars": stars, "tags": tags})
        line(book["id"], f"{title}  {'★' * stars}")

    heading("List with a filter")
    expression = pb.filter("stars >= {:stars} && title != {:title}", stars=3, title='It\'s "complicated"')
    line("filter", expression)
    page = await books.get_list(1, 20, filter=expression, sort="-stars")
    for book in page["items"]:
        line(book["title"], "★" * book["stars"])
    line("in all", f"{page['totalItems']} of {len(await books.get_full_list())}")

    heading("Update and delete")
    draft = await books.get_first(filter=pb.filter("title = {:title}", title="A draft"))
    changed = await books.update(draft["id"], {"title": "A book", "stars": 5})
    line("updated", f"{draft['title']} → {changed['title']}  {'★' * changed['stars']}")
    await books.delete(changed["id"])
    line("deleted", changed["id"])

    heading("Errors say what is wrong")
    try:
        await books.create({"title": ""})
    except PocketBaseBadRequestError as error:
        line(type(error).__name__, error.field_errors["title"]["message"])


async def middleware(pb: PocketBase, transport: Transport) -> None:
    heading("Middleware: a function around each request")
    fails = iter([True])

    async def flaky(request: Request, call_next: Handler) -> Response:
        """Loses the first request, as a bad network would."""
        if next(fails, False):
            raise PocketBaseConnectionError(request.url, message="the cable is out", request_sent=False)
        return await call_next(request)

    layers: Sequence[Middleware] = [Retry(), Logging(level=logging.INFO), flaky]
    tour = PocketBase(pb.base_url, transport=transport, middleware=layers)
    logger = logging.getLogger("pocketbase_core")
    printer = logging.StreamHandler(sys.stdout)
    printer.setFormatter(logging.Formatter("   log: %(message)s"))
    logger.addHandler(printer)
    logger.setLevel(logging.INFO)
    health = await tour.health.check()
    logger.removeHandler(printer)
    line("the caller only sees", health["message"])


async def main(arguments: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        if arguments.url:
            url, email, password = arguments.url, arguments.email, arguments.password
        else:
            server = await stack.enter_async_context(LocalServer())
            url, (email, password) = server.url, server.superuser
        transport = TRANSPORTS[arguments.transport]()
        pb = await stack.enter_async_context(PocketBase(url, transport=transport))

        heading(f"PocketBase at {url}, through {type(transport).__name__}")
        line("health", (await pb.health.check())["message"])
        await pb.collection("_superusers").auth.with_password(email, password)
        line("signed in as", (pb.auth_store.record or {})["email"])

        name = f"books_{secrets.token_hex(4)}"
        try:
            await records(pb, name)
        finally:
            await pb.collections.delete(name)
        await middleware(pb, transport)
        heading("That was it.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The SDK in two minutes, against a real PocketBase.")
    parser.add_argument("--url", help="a running server; without it, a throw-away one is started")
    parser.add_argument("--email", default="admin@example.com", help="its superuser")
    parser.add_argument("--password", default="")
    parser.add_argument("--transport", choices=TRANSPORTS, default="aiohttp")
    asyncio.run(main(parser.parse_args()))
