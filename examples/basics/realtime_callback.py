"""Call a function for each change in a collection."""

import asyncio
import os
from typing import Any

from pocketbase_core import PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    deleted = asyncio.Event()

    def show(event: Any) -> None:
        print(event["action"], event["record"]["title"])
        if event["action"] == "delete":
            deleted.set()

    async with PocketBase(URL) as pb:
        posts = pb.collection("posts")
        unsubscribe = await posts.subscribe_all(show)
        post = await posts.create({"title": "Watched"})
        await posts.delete(post["id"])
        await asyncio.wait_for(deleted.wait(), 10)
        await unsubscribe()


if __name__ == "__main__":
    asyncio.run(main())
