"""Repeat a create whose response was lost, and still store the record only once."""

import asyncio
import os

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Retry

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")
responses_to_lose = iter([True])


async def bad_network(request: Request, call_next: Handler) -> Response:
    """Drop the first response, after the server has stored the record."""
    response = await call_next(request)
    if next(responses_to_lose, False):
        raise PocketBaseConnectionError(request.url, message="the response was lost")
    return response


async def main() -> None:
    async with PocketBase(URL, middleware=[Retry(creates=True), bad_network]) as pb:
        posts = pb.collection("posts")
        post = await posts.create({"title": "Once"})
        same = await posts.get_full_list(filter="title = 'Once'")
        print([each["id"] for each in same] == [post["id"]])


if __name__ == "__main__":
    asyncio.run(main())
