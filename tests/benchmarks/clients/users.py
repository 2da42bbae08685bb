"""Clients of this library: the time that one takes, and the memory that one holds."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable

from pocketbase_core import AuthStore, PocketBase, Response
from pocketbase_transports import AiohttpTransport, MockTransport

from .worker import Job, serve

_transport = MockTransport(lambda _: Response(200))
_pb = PocketBase("http://127.0.0.1", transport=_transport)


def _light() -> PocketBase:
    return _pb.with_auth_store(AuthStore())


def _light_with_records() -> object:
    client = _light()
    return client, client.collection("posts")


def _full() -> PocketBase:
    return PocketBase("http://127.0.0.1", transport=_transport)


async def light_seconds(job: Job) -> float:
    """Return the seconds of processor time that making a light client takes, for a server that soon forgets it."""
    started = time.process_time()
    for _ in range(job.count):
        _light()
    return (time.process_time() - started) / job.count


async def light_bytes(job: Job) -> float:
    return _bytes_of(_light, job.count)


async def light_with_records_bytes(job: Job) -> float:
    return _bytes_of(_light_with_records, job.count)


async def full_bytes(job: Job) -> float:
    return _bytes_of(_full, job.count)


async def subscription_bytes(job: Job) -> float:
    """Return the bytes of one of many subscriptions on one connection."""
    async with PocketBase(f"{job.url}/events/0", transport=AiohttpTransport()) as pb:
        await pb.realtime.subscribe("first", _ignore)
        before = _traced()
        await asyncio.gather(*(pb.realtime.subscribe(f"topic{number}", _ignore) for number in range(job.count)))
        return (_traced() - before) / job.count


def _bytes_of(make: Callable[[], object], count: int) -> float:
    make()
    before = _traced()
    alive = [make() for _ in range(count)]
    return (_traced() - before) / len(alive)


def _traced() -> int:
    if not tracemalloc.is_tracing():
        tracemalloc.start(1)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _ignore(_: object) -> None: ...


async def main() -> None:
    jobs: list[Callable[[Job], Awaitable[object]]] = [
        light_seconds,
        light_bytes,
        light_with_records_bytes,
        full_bytes,
        subscription_bytes,
    ]
    await serve({job.__name__: job for job in jobs})


if __name__ == "__main__":
    asyncio.run(main())
