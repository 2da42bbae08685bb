"""Test code that uses PocketBase without a server: a function returns the responses."""

import asyncio

from pocketbase_core import PocketBase, Request, Response
from pocketbase_transports import MockTransport


def handler(request: Request) -> Response:
    print(request.method, request.url)
    if request.method == "POST":
        return Response(200, json={"id": "abc", "title": "Hello"})
    return Response(404, json={"message": "Not here."})


async def main() -> None:
    async with PocketBase("http://pocketbase.test", transport=MockTransport(handler)) as pb:
        print(await pb.collection("posts").create({"title": "Hello"}))


if __name__ == "__main__":
    asyncio.run(main())
