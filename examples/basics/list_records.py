"""List records: one page with a filter and a sort, then all of them."""

import asyncio
import os

from pocketbase_core import PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    async with PocketBase(URL) as pb:
        posts = pb.collection("posts")
        for n in range(1, 4):
            await posts.create({"title": f"Post {n}", "n": n})

        recent = pb.filter("n >= {:least}", least=2)  # quotes the value
        page = await posts.get_list(1, 20, filter=recent, sort="-n")
        print(page["totalItems"], [post["title"] for post in page["items"]])

        async for post in posts.iterate():
            print(post["id"], post["title"])


if __name__ == "__main__":
    asyncio.run(main())
