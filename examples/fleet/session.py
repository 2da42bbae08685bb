"""One session for all workers, kept in Redis."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from pocketbase_core import AsyncAuthStore, PocketBase, Request, Response
from pocketbase_core.middleware import Retry

EMAIL = "workers@example.com"
SESSION, RENEWAL = "fleet:session", "fleet:renewal"
COUNTS = "fleet:counts"
"""A hash of numbers for the summary."""


def open_redis(url: str) -> Redis:
    """Return a client for Redis whose responses are text."""
    # With a socket_timeout, redis-py writes within asyncio.wait_for, which may swallow a cancellation on Python 3.11.
    return Redis.from_url(url, decode_responses=True, socket_timeout=None)  # pyright: ignore[reportUnknownMemberType]


@asynccontextmanager
async def open_client(redis: Redis) -> AsyncGenerator[PocketBase]:
    """Yield a client that takes the session from Redis, and saves a new one there."""

    async def count_sign_ins(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if "/auth-" in request.url:
            await redis.hincrby(COUNTS, request.url.rpartition("/")[2])
        return await call_next(request)

    store = AsyncAuthStore(
        save=lambda text: redis.set(SESSION, text),
        clear=lambda: redis.delete(SESSION),
        initial=await redis.get(SESSION),
    )
    url, password = os.environ["POCKETBASE_URL"], os.environ["POCKETBASE_PASSWORD"]
    async with PocketBase(url, auth_store=store, middleware=[Retry(), count_sign_ins]) as pb:
        if not store.is_valid:
            await pb.collection("workers").auth.with_password(EMAIL, password)
        yield pb
