"""Use the `aiohttp.ClientSession` of the application, which stays open when the client is closed."""

import asyncio
import os

import aiohttp

from pocketbase_core import PocketBase
from pocketbase_transports import AiohttpTransport

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        async with PocketBase(URL, transport=AiohttpTransport(session)) as pb:
            print((await pb.health.check())["message"])
        async with session.get(f"{URL}/api/health") as response:  # still open
            print(response.status)


if __name__ == "__main__":
    asyncio.run(main())
