"""Thousands of calls on one pool, many of them cancelled, while the server responds in every dirty way."""

import asyncio
import contextlib
import gzip
import json
import os
import random
import re
import select
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseError
from pocketbase_core.calls.call import Call
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.endpoints import custom
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract.scripted_server import Connection, answering, scripted_server

from ..helpers.waiting import until

OPERATIONS = 6_000
AT_ONCE = 16
CANCELLED = 0.35
JUNK_ON_IDLE_CONNECTIONS = False
"""The server also sends responses at any moment on connections where nobody has asked for anything.

Bytes that arrive while a request leaves cannot be told from its response: a few of the calls get a wrong response then.
"""
WAYS = [
    *["quick"] * 6,
    *["slow", "drip", "half, then silence", "half, then the end", "hints first", "junk behind", "a response behind"],
    *[
        "early",
        "early, and closed",
        "reset",
        "reset half-way",
        "gzip",
        "trailers",
        "no content",
        "no content, yet some",
    ],
    *["no content", "no content, yet some", "an error", "close"],
    *(["a response on the idle connection", "junk on the idle connection"] if JUNK_ON_IDLE_CONNECTIONS else []),
]
SOMEBODY_ELSES = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"mark": -1}'


def way_of(seed: int, mark: int) -> str:
    """Choose how the server responds to the request with this mark. Marks above those of the storm get `quick`."""
    return random.Random(f"{seed} {mark}").choice(WAYS) if mark < OPERATIONS else "quick"


class Dirty:
    """Serves one connection, in every way that a broken server may."""

    def __init__(self, connection: Connection, seed: int, seen: set[int]) -> None:
        self.connection = connection
        self.seed = seed
        self.seen = seen
        """Marks of requests that had a response. A download that goes on gets a quick response."""

    async def serve(self) -> None:
        while True:
            _, target, headers = await self.connection.head()
            mark = int(re.findall(r"mark=?(\d+)", target)[0])
            way, source = way_of(self.seed, mark), random.Random(f"{self.seed} {mark} answer")
            if mark in self.seen:
                way = "quick"
            self.seen.add(mark)
            if way.startswith("early"):
                await self.connection.respond(413, _body(mark, source), "Content-Type: application/json")
                if way == "early, and closed":
                    return
                await self.connection.body(headers)
                continue
            sent = await self.connection.body(headers)
            if b"mark-" in sent:
                assert f"mark-{mark}-".encode() in sent
            if urlsplit(target).path == "/events":
                await self.events(way, mark, source)
            else:
                await self.respond(way, mark, source)

    async def respond(self, way: str, mark: int, source: random.Random) -> None:
        connection, body, content_type = self.connection, _body(mark, source), "Content-Type: application/json"
        match way:
            case "slow":
                await asyncio.sleep(source.uniform(0, 0.08))
                await connection.respond(200, body, content_type)
            case "drip":
                await connection.send(
                    f"HTTP/1.1 200 OK\r\n{content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                )
                for start in range(0, len(body), len(body) // 5 + 1):
                    await connection.send(body[start : start + len(body) // 5 + 1])
                    await asyncio.sleep(source.uniform(0, 0.02))
            case "half, then silence" | "half, then the end" | "reset half-way":
                await connection.send(
                    f"HTTP/1.1 200 OK\r\n{content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                )
                await connection.send(body[: len(body) // 2])
                if way == "half, then silence":
                    await connection.closed_by_client()
                elif way == "reset half-way":
                    connection.reset()
                raise EOFError
            case "hints first":
                await connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * source.randint(1, 3))
                await connection.respond(200, body, content_type)
            case "reset":
                connection.reset()
                raise EOFError
            case "gzip":
                await connection.respond(200, gzip.compress(body), content_type, "Content-Encoding: gzip")
            case "trailers":
                half = len(body) // 2
                await connection.send(
                    f"HTTP/1.1 200 OK\r\n{content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                )
                await connection.chunk(body[:half])
                await connection.chunk(body[half:])
                await connection.send(b"0\r\nX-Checksum: 1\r\n\r\n")
            case "no content":
                await connection.respond(204)
            case "no content, yet some":
                await connection.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 12\r\n\r\n" + b'{"mark": -1}')
            case "an error":
                await connection.respond(source.choice([400, 403, 404, 429, 500, 503]), body, content_type)
            case "close":
                await connection.respond(200, body, content_type, "Connection: close")
                raise EOFError
            case _:
                behind = {"junk behind": b"\r\n\0junk", "a response behind": SOMEBODY_ELSES}.get(way, b"")
                head = f"HTTP/1.1 200 OK\r\n{content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
                await connection.send(head.encode() + body + behind)
                if "idle" in way:
                    await asyncio.sleep(source.uniform(0, 0.01))
                    if not self.is_asked():
                        await connection.send(SOMEBODY_ELSES if way.startswith("a response") else b"\0junk\r\n\r\n")

    def is_asked(self) -> bool:
        """Return whether the next request has arrived: then no client can tell a wrong response from the right one."""
        raw = self.connection.writer.get_extra_info("socket")
        return bool(vars(self.connection.reader)["_buffer"] or select.select([raw], [], [], 0)[0])

    async def events(self, way: str, mark: int, source: random.Random) -> None:
        await self.connection.start_stream()
        for number in range(3):
            await self.connection.chunk(f"event:e\ndata:{mark} {number}\n\n".encode())
            await asyncio.sleep(source.uniform(0, 0.01))
        if way.startswith("reset"):
            self.connection.reset()
            raise EOFError
        await self.connection.send(b"0\r\n\r\n")


def _body(mark: int, source: random.Random) -> bytes:
    return json.dumps({"mark": mark, "message": "", "fill": "x" * source.choice([0, 100, 5_000, 70_000])}).encode()


class Storm:
    """Makes the calls of the client, and checks what they return."""

    def __init__(self, pb: PocketBase, folder: Path, seed: int) -> None:
        self.pb = pb
        self.folder = folder
        self.seed = seed
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, mark: int) -> None:
        source = random.Random(f"{self.seed} {mark} call")
        calls: list[Callable[[int, random.Random], Awaitable[object]]]
        calls = [self.read, self.create, self.upload, self.stream, self.download, self.events]
        task = asyncio.ensure_future(source.choice(calls)(mark, source))
        if source.random() < CANCELLED:
            await asyncio.sleep(source.choice([0, 0, source.uniform(0, 0.005), source.uniform(0, 0.06)]))
            task.cancel()
        try:
            await task
            self.outcomes["answered"] += 1
        except asyncio.CancelledError:
            self.outcomes["cancelled"] += 1
        except PocketBaseError as error:
            self.outcomes[type(error).__name__] += 1
            if error.status == 413 and not way_of(self.seed, mark).startswith("early"):
                self.wrong.append(f"{mark}: the 413 of another")
        except Exception as error:
            self.wrong.append(f"{mark} ({way_of(self.seed, mark)}): {error!r}")

    def check(self, mark: int, result: Any) -> None:
        way = way_of(self.seed, mark)
        if not (way.startswith("no content") if result in (None, "") else result["mark"] == mark):
            self.wrong.append(f"{mark} ({way}): {str(result)[:100]}")

    async def read(self, mark: int, source: random.Random) -> None:
        self.check(mark, await self.pb.send("/read", params={"mark": mark}, timeout=_timeout(source)))

    async def create(self, mark: int, source: random.Random) -> None:
        body = {"text": f"mark-{mark}-", "fill": "y" * source.choice([0, 1_000, 100_000])}
        timeout = _timeout(source)
        result = await self.pb.send("/create", method="POST", params={"mark": mark}, body=body, timeout=timeout)
        self.check(mark, result)

    async def upload(self, mark: int, source: random.Random) -> None:
        content: Any = f"mark-{mark}-".encode() * source.choice([1, 100, 10_000])
        if source.random() < 0.5:
            content = _slowly(content, source)
        body = {"file": FileUpload((f"{mark}.txt", content))}
        timeout = _timeout(source)
        result = await self.pb.send("/upload", method="POST", params={"mark": mark}, body=body, timeout=timeout)
        self.check(mark, result)

    async def stream(self, mark: int, source: random.Random) -> None:
        async with self.pb.pipeline.stream(_call("/stream", mark, source)) as response:
            content = b"".join([chunk async for chunk in response.aiter_bytes()])
        self.check(mark, json.loads(content or b"null"))

    async def download(self, mark: int, source: random.Random) -> None:
        path = self.folder / f"{mark}.json"
        await self.pb.files.download_to(path, "c", f"mark{mark}", "f.json", timeout=_timeout(source))
        self.check(mark, json.loads(path.read_bytes() or b"null"))
        path.unlink()

    async def events(self, mark: int, source: random.Random) -> None:
        async with self.pb.pipeline.events(_call("/events", mark, source)) as events:
            number = 0
            async for event in events:
                if event.data != f"{mark} {number}":
                    self.wrong.append(f"{mark}: {event}")
                number += 1
                if number == source.randint(1, 3):
                    break


def _timeout(source: random.Random) -> float:
    return source.choice([0.05, source.uniform(0.001, 0.3), 0.5, 1, 1])


def _call(path: str, mark: int, source: random.Random) -> Call[Any]:
    return custom.send(path, parse_options(SendOptions, None, {"params": {"mark": mark}, "timeout": _timeout(source)}))


async def _slowly(content: bytes, source: random.Random) -> AsyncGenerator[bytes, None]:
    size = len(content) // 3 + 1
    for start in range(0, len(content), size):
        await asyncio.sleep(source.uniform(0, 0.005))
        yield content[start : start + size]


def _left() -> tuple[int, int]:
    """Return the number of descriptors, and of threads except those of asyncio's pool, which stay."""
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(os.listdir("/proc/self/fd")), len(threads)


@pytest.mark.slow
async def test_six_thousand_calls_with_cancellations_get_their_own_responses(
    make_transport: MakeTransport, tmp_path: Path
) -> None:
    seed = int(os.environ.get("STORM_SEED", "1"))
    print(f"\nSTORM_SEED={seed}")
    await asyncio.to_thread(int)  # the threads of asyncio open descriptors, as does the thread of pyreqwest
    async with scripted_server(answering("{}")) as server, PocketBase(server.url, transport=make_transport()) as pb:
        await pb.send("/")
    tasks, left = asyncio.all_tasks(), _left()

    seen: set[int] = set()

    async def script(connection: Connection) -> None:
        with contextlib.suppress(ValueError):  # an upload was cancelled in the middle of a chunk's size
            await Dirty(connection, seed, seen).serve()

    async with scripted_server(script) as server:
        async with PocketBase(server.url, transport=make_transport(), middleware=[]) as pb:
            storm = Storm(pb, tmp_path, seed)
            marks = iter(range(OPERATIONS))

            async def work() -> None:
                for mark in marks:
                    await storm.run(mark)

            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
            print(dict(storm.outcomes))
            assert not storm.wrong, "a call got the response to another"
            mine = asyncio.all_tasks() - tasks - server.open_connections
            await until(lambda: all(task.done() for task in mine))
            after = range(OPERATIONS, OPERATIONS + 150)  # more at once than the pool has connections
            responses = await asyncio.gather(*(pb.send("/read", params={"mark": mark}, timeout=10) for mark in after))
            assert [response["mark"] for response in responses] == [*after], "the pool is not as it was before"
        await until(lambda: not server.open_connections)
    await until(lambda: _left() <= left)
    for path in tmp_path.iterdir():  # a complete file may remain of a cancelled call, but no part of a file
        storm.check(int(path.stem), json.loads(path.read_bytes() or b"null"))
    assert not storm.wrong, "a file holds the response to another call"
    assert storm.outcomes["answered"] > OPERATIONS / 4, "too few calls succeeded to prove anything"
    assert storm.outcomes["cancelled"] > OPERATIONS / 10, "too few calls were cancelled to prove anything"
