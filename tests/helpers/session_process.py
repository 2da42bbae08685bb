"""A process that reads as a user whose session it shares with other processes, and prints what it saw as JSON.

Arguments: the URL of the server, the path of a file or the URL of Redis, and for how many seconds to read.
"""

import asyncio
import json
import sys
import time
from collections import Counter

from redis.asyncio import Redis

from pocketbase_core import AsyncAuthStore, AuthStore, FileAuthStore, PasswordCredentials, Request, Response
from pocketbase_core.middleware import Handler, default_middleware
from pocketbase_transports import AiohttpTransport

from .shared_collections import client_of


async def read(url: str, store: AuthStore, seconds: float) -> Counter[str]:
    """Read ten times a second. Return how many requests of each kind there were, and who the reads were answered as."""
    counts: Counter[str] = Counter()

    async def count(request: Request, call_next: Handler) -> Response:
        counts[request.url.rpartition("/")[2]] += 1
        return await call_next(request)

    credentials = PasswordCredentials("bots", "bot@example.com", "password123")
    middleware = [*default_middleware(), count]
    transport = AiohttpTransport()
    async with client_of(
        url, transport=transport, credentials=credentials, auth_store=store, middleware=middleware
    ) as pb:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page = await pb.collection("notes").get_list()
            counts["a user's" if page["items"] else "a guest's"] += 1
            await asyncio.sleep(0.1)
    return counts


async def main(url: str, storage: str, seconds: float) -> None:
    """Read with the session that the storage has."""
    if "://" not in storage:
        print(json.dumps(await read(url, FileAuthStore(storage), seconds)))
        return
    async with Redis.from_url(storage, decode_responses=True, socket_timeout=None) as redis:  # pyright: ignore[reportUnknownMemberType] - redis types it so
        store = AsyncAuthStore(
            save=lambda text: redis.set("session", text),
            load=lambda: redis.get("session"),
            lock=lambda: redis.lock("renewal", timeout=5),
        )
        print(json.dumps(await read(url, store, seconds)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
