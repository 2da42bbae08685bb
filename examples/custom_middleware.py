"""Define two middlewares, a cache and a rate limit, and show on a throw-away server how their order matters.

A middleware is any `async (request, call_next) -> response`; the first in a list is the outermost.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from pocketbase_core import AuthStore, PocketBase, Request, Response
from pocketbase_core.middleware import Handler, Middleware, Retry
from pocketbase_core.testing import LocalServer


class Cache:
    """Middleware that keeps responses to reads of records for `seconds` seconds. A write empties the cache."""

    def __init__(self, seconds: float, size: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._size, self._clock = seconds, size, clock
        self._entries: dict[tuple[str, str], tuple[float, Response]] = {}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.method != "GET":
            try:
                return await call_next(request)
            finally:
                self._entries = {}  # a read in progress stores its response in the old dict
        if "/api/collections/" not in request.url:  # files and events are streams
            return await call_next(request)
        key = request.full_url, request.headers.get("Authorization", "")  # users do not share entries
        entries = self._entries
        entry = entries.pop(key, None)
        if entry is None or entry[0] <= self._clock():
            entry = self._clock() + self._seconds, await call_next(request)
        if entry[1].status_code == 200:
            entries[key] = entry
        if len(entries) > self._size:
            del entries[next(iter(entries))]  # the least recently used
        return entry[1]


class RateLimit:
    """Middleware that lets `per_second` requests per second through and delays the others."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval, self._clock, self._sleep = 1 / per_second, clock, sleep
        self._next_turn = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        now = self._clock()
        turn = max(now, self._next_turn)
        self._next_turn = turn + self._interval
        await self._sleep(turn - now)
        return await call_next(request)


async def show(request: Request, call_next: Handler) -> Response:
    """Print each request that is actually sent. This must be the innermost middleware."""
    response = await call_next(request)
    print("   sent", request.method, urlsplit(request.url).path, response.status_code)
    return response


async def read_three_times(server: LocalServer, store: AuthStore, title: str, middleware: list[Middleware]) -> None:
    print(f"\n{title}: read one record three times, then a missing one")
    started = time.perf_counter()
    async with PocketBase(server.url, auth_store=store, middleware=[*middleware, show]) as pb:
        for _ in range(3):
            await pb.collection("notes").get_one("abcdefghijklmno")
        await asyncio.gather(pb.collection("notes").get_one("missing"), return_exceptions=True)
    print(f"   took {time.perf_counter() - started:.1f} s")


async def main() -> None:
    async with LocalServer() as server:
        async with PocketBase(server.url) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await pb.collections.create({"name": "notes", "type": "base", "fields": [{"name": "text", "type": "text"}]})
            await pb.collection("notes").create({"id": "abcdefghijklmno", "text": "Hello"})
        # Only reads that the cache cannot serve wait for their turn.
        await read_three_times(server, pb.auth_store, "Cache, RateLimit", [Cache(60), RateLimit(4), Retry()])
        # Each read waits for its turn, even if the cache can serve it.
        await read_three_times(server, pb.auth_store, "RateLimit, Cache", [RateLimit(4), Cache(60), Retry()])


if __name__ == "__main__":
    asyncio.run(main())
