"""Demonstrate the SDK in two minutes on a real PocketBase.

python examples/quickstart.py                       starts a throw-away server
python examples/quickstart.py --transport httpx     uses httpx
python examples/quickstart.py --url http://127.0.0.1:8090 --email admin@example.com --password …
"""

import argparse
import asyncio
import logging
import secrets
import sys
from contextlib import AsyncExitStack

from pocketbase_core import PocketBase, PocketBaseBadRequestError, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Logging, Retry
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport

TRANSPORTS = {"aiohttp": AiohttpTransport, "httpx": HttpxTransport}
BOOKS = [("Dune", 5), ('It\'s "complicated"', 3), ("Solaris", 4), ("A draft", 0)]


async def records(pb: PocketBase, name: str) -> None:
    print("\nCreate a collection, and records in it")
    fields = [{"name": "title", "type": "text", "required": True}, {"name": "stars", "type": "number"}]
    await pb.collections.create({"name": name, "type": "base", "fields": fields})
    books = pb.collection(name)
    for title, stars in BOOKS:
        book = await books.create({"title": title, "stars": stars})
        print("  ", book["id"], book["title"])

    print("\nList with a filter, which quotes its values")
    wanted = pb.filter("stars >= {:stars} && title != {:title}", stars=3, title='It\'s "complicated"')
    page = await books.get_list(1, 20, filter=wanted, sort="-stars")
    print("  ", wanted)
    for book in page["items"]:
        print("  ", "★" * book["stars"], book["title"])

    print("\nUpdate and delete")
    draft = await books.get_first(filter=pb.filter("title = {:title}", title="A draft"))
    book = await books.update(draft["id"], {"title": "A book", "stars": 5})
    print("  ", draft["title"], "→", book["title"])
    await books.delete(book["id"])

    print("\nErrors name the fields that are wrong")
    try:
        await books.create({"title": ""})
    except PocketBaseBadRequestError as error:
        print("  ", error.status, error.field_errors["title"]["message"])


async def middleware(url: str, transport: AiohttpTransport | HttpxTransport) -> None:
    print("\nMiddleware: a function around each request")
    failures = iter([True])

    async def flaky(request: Request, call_next: Handler) -> Response:
        """Fail the first request, as a bad network would."""
        if next(failures, False):
            raise PocketBaseConnectionError(request.url, message="the network is down", request_sent=False)
        return await call_next(request)

    pb = PocketBase(url, transport=transport, middleware=[Retry(), Logging(level=logging.INFO), flaky])
    health = await pb.health.check()
    print("  ", health["message"], "The caller only sees the second attempt.")


async def main(arguments: argparse.Namespace) -> None:
    logging.basicConfig(format="   log: %(message)s", stream=sys.stdout)
    logging.getLogger("pocketbase_core").setLevel(logging.INFO)
    async with AsyncExitStack() as stack:
        url, superuser = arguments.url, (arguments.email, arguments.password)
        if url is None:
            server = await stack.enter_async_context(LocalServer())
            url, superuser = server.url, server.superuser
        transport = TRANSPORTS[arguments.transport]()
        pb = await stack.enter_async_context(PocketBase(url, transport=transport))
        print(f"PocketBase at {url}, through {type(transport).__name__}")
        await pb.admins.auth.with_password(*superuser)

        name = f"books_{secrets.token_hex(4)}"
        try:
            await records(pb, name)
        finally:
            await pb.collections.delete(name)
        await middleware(url, transport)
        print("\nDone.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Demonstrate the SDK in two minutes on a real PocketBase.")
    parser.add_argument("--url", help="a running server (default: start a throw-away one)")
    parser.add_argument("--email", default="admin@example.com", help="the server's superuser")
    parser.add_argument("--password", default="")
    parser.add_argument("--transport", choices=TRANSPORTS, default="aiohttp")
    asyncio.run(main(parser.parse_args()))
