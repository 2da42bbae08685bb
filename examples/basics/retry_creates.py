"""Send a create again after a lost response, and still store the record once."""

import asyncio
import os

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Retry

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")
responses_to_lose = iter([True])


async def bad_network(request: Request, call_next: Handler) -> Response:
    """Lose the first response. The server has stored the record by then."""
    response = await call_next(request)
    if next(responses_to_lose, False):
        raise PocketBaseConnectionError(request.url, message="the response is lost")
    return response


async def main() -> None:
    async with PocketBase(URL, middleware=[Retry(creates=True), bad_network]) as pb:
        posts = pb.collection("posts")
        post = await posts.create({"title": "Once"})
        same = await posts.get_full_list(filter="title = 'Once'")
        print([each["id"] for each in same] == [post["id"]])


if __name__ == "__main__":
    asyncio.run(main())
