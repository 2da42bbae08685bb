"""One session for all workers, kept in Redis: one worker signs in or refreshes the token, the others take it over."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from pocketbase_core import AsyncAuthStore, PasswordCredentials, PocketBase, Request, Response
from pocketbase_core.middleware import Handler, Retry

EMAIL = "workers@example.com"
SESSION, RENEWAL = "fleet:session", "fleet:renewal"
RENEWAL_SECONDS = 5
"""The longest time that the others wait if a worker is killed while it renews the session."""
COUNTS = "fleet:counts"
"""A hash of numbers for the summary."""


def open_redis(url: str) -> Redis:
    """Return a client for Redis whose responses are text."""
    # With a socket_timeout, redis-py writes within asyncio.wait_for, which may swallow a cancellation on Python 3.11.
    return Redis.from_url(url, decode_responses=True, socket_timeout=None)  # pyright: ignore[reportUnknownMemberType]


@asynccontextmanager
async def open_client(redis: Redis) -> AsyncGenerator[PocketBase]:
    """Yield a client that signs in by itself, and shares its session with the other workers."""

    async def count_sign_ins(request: Request, call_next: Handler) -> Response:
        if "/auth-" in request.url:
            await redis.hincrby(COUNTS, request.url.rpartition("/")[2])
        return await call_next(request)

    store = AsyncAuthStore(
        save=lambda text: redis.set(SESSION, text),
        clear=lambda: redis.delete(SESSION),
        load=lambda: redis.get(SESSION),
        lock=lambda: redis.lock(RENEWAL, timeout=RENEWAL_SECONDS),
    )
    url, password = os.environ["POCKETBASE_URL"], os.environ["POCKETBASE_PASSWORD"]
    credentials = PasswordCredentials("workers", EMAIL, password)
    async with PocketBase(url, auth_store=store, credentials=credentials, middleware=[Retry(), count_sign_ins]) as pb:
        yield pb
