"""This library on the transport that the first argument names."""

import asyncio
import base64
import itertools
import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from pocketbase_core import FileUpload, Headers, PocketBase, Request, Response
from pocketbase_core.middleware import AfterSend, BeforeSend, Logging, Middleware, Retry
from pocketbase_core.ports import Transport
from pocketbase_core.realtime.timing import RealtimeSettings
from pocketbase_transports import AiohttpTransport, HttpxTransport, MockTransport, PyreqwestTransport

from ..responder import RECORD
from .live import LiveJobs
from .worker import Job, repeat, run, serve

_transport: Transport
_clients: dict[tuple[str, str], PocketBase] = {}


def _unchanged(value: object) -> None: ...


MIDDLEWARE: dict[str, Callable[[], Middleware]] = {
    "Retry": Retry,
    "Logging": Logging,
    "BeforeSend": lambda: BeforeSend(_unchanged),
    "AfterSend": lambda: AfterSend(_unchanged),
}


def make_transport(name: str) -> Transport:
    """Return the transport of a library, with as many connections as a benchmark needs."""
    if name == "aiohttp":
        return AiohttpTransport()
    if name == "pyreqwest":
        return PyreqwestTransport()
    if name == "httpx":
        library: Any = import_module("httpx")
        return HttpxTransport(library.AsyncClient(limits=library.Limits(max_connections=100)))
    return HttpxTransport()


def _client(job: Job) -> PocketBase:
    key = job.url, job.settings.get("json", "json")
    if key not in _clients:
        _clients[key] = PocketBase(job.url, transport=_transport, json_loads=import_module(key[1]).loads)
    return _clients[key]


async def get_one(job: Job) -> None:
    posts = _client(job).collection("posts")
    await repeat(job, lambda _: posts.get_one("abcdefghijklmno"))


async def unsent(job: Job) -> None:
    """Make calls on a transport that is a function."""
    response = Response(200, json={"id": "abcdefghijklmno"}, url=job.url)
    options = dict(job.settings)
    layers = [MIDDLEWARE[name]() for name in options["middleware"]]
    pb = PocketBase(job.url, transport=MockTransport(lambda _: response), middleware=layers)
    if options.get("token"):
        pb.auth_store.save(_token())
    posts = pb.collection("posts")
    await repeat(job, lambda _: posts.get_one("abcdefghijklmno"))


def _token() -> str:
    claims = {"type": "auth", "collectionId": "pbc", "exp": 4_000_000_000}
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


class _Unsent(MockTransport):
    """A transport that does nothing but to make a response."""

    async def send(self, request: Request) -> Response:
        return Response(200, _HEADERS, _RECORD, request.url)


_HEADERS = Headers({"Content-Type": "application/json"})
_RECORD = json.dumps(RECORD).encode()


async def unsent_by_user(job: Job) -> None:
    """Make calls of a signed-in user with the default middleware."""
    pb = PocketBase(job.url, transport=_Unsent(lambda _: Response(200)))
    pb.auth_store.save(_token())
    posts = pb.collection("posts")
    await repeat(job, lambda _: posts.get_one("abcdefghijklmno"))


async def record_json(job: Job) -> None:
    """Decode the record of `unsent_by_user`."""
    for _ in range(job.count):
        json.loads(_RECORD)


async def full_list(job: Job) -> int:
    records = await _client(job).collection(f"list{job.count}").get_full_list()
    assert len(records) == job.count
    return len(records)


async def page(job: Job) -> None:
    """Read a page of 1,000 records."""
    records = _client(job).collection("list1000")
    await repeat(job, lambda _: records.get_list(1, 1000))


async def iterate(job: Job) -> int:
    count = 0
    async for _ in _client(job).collection(f"list{job.count}").iterate():
        count += 1
    assert count == job.count
    return count


async def first_page(job: Job) -> None:
    async for _ in _client(job).collection(f"list{job.count}").iterate():
        break


async def page_waits(job: Job) -> list[float]:
    """Return the seconds that `iterate` waits for each page."""
    clock, waits, count = asyncio.get_running_loop().time, list[float](), 0
    before = clock()
    async for _ in _client(job).collection(f"list{job.count}").iterate(1000):
        if count % 1000 == 0:
            waits.append(clock() - before)
        count += 1
        if count % 1000 == 0:
            before = clock()
    return waits


async def decode(job: Job) -> None:
    """Decode pages of records, which are dicts already."""
    import_module(f"{__package__}.decoding").decode_pages(job.settings["decoder"], job.count)


async def create(job: Job) -> None:
    writes = _client(job).collection("writes")
    await repeat(job, lambda number: writes.create({"title": f"title {number}", "n": number}))


async def create_with_file(job: Job) -> None:
    writes, content = _client(job).collection("writes"), b"x" * 10_000
    body = {"title": "a title", "file": FileUpload(("a.txt", content, "text/plain"))}
    await repeat(job, lambda _: writes.create(body))


async def create_in_batches(job: Job) -> None:
    pb = _client(job)

    async def send(start: int) -> None:
        batch = pb.create_batch()
        writes = batch.collection("writes")
        for number in range(start, min(start + 1000, job.count)):
            writes.create({"title": f"title {number}", "n": number})
        await batch.send()

    for start in range(0, job.count, 1000):
        await send(start)


async def create_many(job: Job) -> None:
    """Write the rows of `create_in_batches`, as a superuser."""
    pb = _client(job)
    await pb.admins.auth.with_password(*job.settings["superuser"])
    rows = ({"title": f"title {number}", "n": number} for number in range(job.count))
    result = await pb.collection("writes").create_many(rows)
    assert result.created == job.count


async def realtime(job: Job) -> None:
    """Pass events to a callback."""
    pb = PocketBase(f"{job.url}/events/{job.count}", transport=_transport)
    seen, all_seen = itertools.count(1), asyncio.Event()

    def count(_: object) -> None:
        if next(seen) == job.count:
            all_seen.set()

    await pb.realtime.subscribe("posts/*", count)
    await all_seen.wait()
    await pb.realtime.close()


async def event_stream(job: Job) -> None:
    """Iterate over the events of a topic."""
    pb = PocketBase(f"{job.url}/events/{job.count}", transport=_transport)
    pb.realtime.settings = RealtimeSettings(queue_size=job.count)
    async with pb.realtime.events("posts/*") as stream:
        for _ in range(job.count):
            await anext(stream)
    await pb.realtime.close()


async def fan_out(job: Job) -> None:
    """Pass each of 100 events to `count` subscriptions of its topic."""
    events = 100
    pb = PocketBase(f"{job.url}/events/{events}", transport=_transport)
    seen, all_seen = itertools.count(1), asyncio.Event()

    def count(_: object) -> None:
        if next(seen) == events * job.count:
            all_seen.set()

    await asyncio.gather(*(pb.realtime.subscribe("posts/*", count) for _ in range(job.count)))
    await all_seen.wait()
    await pb.realtime.close()


async def events(job: Job) -> None:
    """Read the events of a transport."""
    seen = 0
    async with _transport.events(Request("GET", f"{job.url}/events/{job.count}")) as source:
        async for event in source:
            json.loads(event.data)
            seen += 1
    assert seen == job.count


async def main() -> None:
    global _transport
    _transport = make_transport(sys.argv[1])
    jobs: list[Callable[[Job], Awaitable[object]]] = [
        get_one,
        full_list,
        page,
        iterate,
        first_page,
        page_waits,
        unsent,
        unsent_by_user,
        record_json,
        decode,
        create,
        create_with_file,
        create_in_batches,
        create_many,
        events,
        realtime,
        event_stream,
        fan_out,
        *LiveJobs(_transport).all,
    ]
    await serve({job.__name__: job for job in jobs})


if __name__ == "__main__":
    run(main)
