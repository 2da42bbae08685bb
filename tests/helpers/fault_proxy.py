"""A proxy on loopback that does to connections what networks do, by a plan that a seed makes."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

KINDS = (
    "refuse",  # reset as soon as it is there
    "lose",  # the request stops half-way, the server sees its end
    "swallow",  # the request stops half-way, nobody is told
    "reset",
    "cut",
    "blackhole",
    "stall",
    "drip",
    "garble",
    "duplicate",
)
"""What happens to a connection. From "reset" on, to its answers."""
_ON_REQUESTS = ("lose", "swallow")
PAUSE = 0.2
REACH = 12_000
"""Bytes within which a connection's fault comes. One that is still good after twice as many is cut."""


class Fault(NamedTuple):
    """What happens to a connection, and after how many bytes in its direction."""

    kind: str
    at: int


def plan(seed: int, number: int) -> Fault:
    """What happens to the connection of this number."""
    source = random.Random(f"{seed} {number}")
    return Fault(source.choice(KINDS), source.randrange(REACH))


class Proxy:
    """Passes bytes on to a port, and breaks connections as planned."""

    def __init__(self, target: int, seed: int) -> None:
        self.port = 0
        self.seen: Counter[str] = Counter()
        self._target = target
        self._seed = seed
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        fault = plan(self._seed, self._connections)
        self._connections += 1
        upstream: asyncio.StreamWriter | None = None
        try:
            if fault.kind == "refuse":
                self.seen["refuse"] += 1
                _reset(writer)
                return
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            on_request = fault if fault.kind in _ON_REQUESTS else None
            on_answer = None if on_request else fault
            ways = {
                asyncio.create_task(self._pass(reader, upstream, writer, on_request)),
                asyncio.create_task(self._pass(answers, writer, writer, on_answer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            _reset(writer)
        except asyncio.CancelledError:  # by `aclose`; asyncio's streams would log it
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, upstream):
                if each is not None:
                    each.close()

    async def _pass(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, client: asyncio.StreamWriter, fault: Fault | None
    ) -> None:
        passed = 0
        while data := await reader.read(65536):
            if fault is not None and passed + len(data) > fault.at:
                self.seen[fault.kind] += 1
                rest = await self._strike(fault.kind, data, fault.at - passed, to, client)
                if rest is None:
                    return
                data, fault = rest, Fault("cut", 2 * REACH)
            passed += len(data)
            to.write(data)
            await to.drain()

    async def _strike(
        self, kind: str, data: bytes, at: int, to: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> bytes | None:
        """What is left to pass on; None ends the connection."""
        before, after = data[:at], data[at:]
        if kind == "garble":
            return before + bytes([after[0] ^ 0x80]) + after[1:]  # no longer ASCII, nor valid UTF-8
        if kind == "duplicate":
            return data + data
        to.write(before)
        await to.drain()
        if kind == "stall":
            await asyncio.sleep(PAUSE)
            return after
        if kind == "drip":
            for byte in after[:50]:
                to.write(bytes([byte]))
                await asyncio.sleep(PAUSE / 50)
            return after[50:]
        if kind in ("blackhole", "swallow"):
            await asyncio.Event().wait()
        if kind == "reset":
            _reset(client)
        return None

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxy(target: int, seed: int) -> AsyncGenerator[Proxy, None]:
    """In front of a port of loopback."""
    running = Proxy(target, seed)
    server = await asyncio.start_server(running.handle, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await running.aclose()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
