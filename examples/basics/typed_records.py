"""Get records as instances of a class. The fields are checked at run time, and type checkers know their types."""

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime

from pocketbase_core import PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


@dataclass
class Post:
    id: str
    title: str
    created: datetime


async def main() -> None:
    async with PocketBase(URL) as pb:
        posts = pb.collection("posts", Post)
        post = await posts.create({"title": "Typed"})
        print(post.title, post.created.year)


if __name__ == "__main__":
    asyncio.run(main())
