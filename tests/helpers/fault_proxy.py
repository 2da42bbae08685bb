"""A proxy on loopback that breaks connections as networks do. A seed decides which connection breaks how."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

FAULTS = (
    "refuse",  # reset as soon as it is there
    "lose",  # the request stops half-way, and the server sees the end of the connection
    "swallow",  # the request stops half-way, and both sides see nothing of it
    "reset",
    "cut",
    "blackhole",
    "stall",
    "drip",
    "garble",
    "duplicate",
)
"""What may happen to a connection. The faults from "reset" on happen to the response."""
_ON_REQUESTS = ("lose", "swallow")
STALL_SECONDS = 0.2
MAX_OFFSET = 12_000
"""Bytes within which the fault of a connection happens. A connection that still works after twice as many is cut."""


class InjectedFault(NamedTuple):
    """A fault, and after how many bytes in its direction it happens."""

    kind: str
    at: int


def planned_fault(seed: int, number: int, max_offset: int = MAX_OFFSET) -> InjectedFault:
    """Return the fault of the connection with this number."""
    source = random.Random(f"{seed} {number}")
    return InjectedFault(source.choice(FAULTS), source.randrange(max_offset))


class FaultProxy:
    """Forwards bytes to a port, and injects the planned fault into each connection.

    Args:
        target: The port.
        seed: Decides which connection breaks how.
        max_offset: See `MAX_OFFSET`. Responses that are longer need a larger one.
    """

    def __init__(self, target: int, seed: int, max_offset: int = MAX_OFFSET) -> None:
        self.port = 0
        self.is_calm = False
        """True while no fault is injected. What a fault has silenced before remains silent."""
        self.injected: Counter[str] = Counter()
        """How often each fault has happened."""
        self._target = target
        self._seed = seed
        self._max_offset = max_offset
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        fault = planned_fault(self._seed, self._connections, self._max_offset)
        self._connections += 1
        upstream: asyncio.StreamWriter | None = None
        try:
            if fault.kind == "refuse" and not self.is_calm:
                self.injected["refuse"] += 1
                _reset(writer)
                return
            responses, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            on_request = fault if fault.kind in _ON_REQUESTS else None
            on_response = None if on_request else fault
            ways = {
                asyncio.create_task(self._pass(reader, upstream, writer, on_request)),
                asyncio.create_task(self._pass(responses, writer, writer, on_response)),
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
        self,
        reader: asyncio.StreamReader,
        to: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        fault: InjectedFault | None,
    ) -> None:
        passed = 0
        while data := await reader.read(65536):
            if fault is not None and not self.is_calm and passed + len(data) > fault.at:
                self.injected[fault.kind] += 1
                rest = await self._inject(fault.kind, data, max(fault.at - passed, 0), to, client)
                if rest is None:
                    return
                data, fault = rest, InjectedFault("cut", 2 * self._max_offset)
            passed += len(data)
            to.write(data)
            await to.drain()

    async def _inject(
        self, kind: str, data: bytes, at: int, to: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> bytes | None:
        """Inject a fault. Return the bytes that remain to be forwarded, or None to end the connection."""
        before, after = data[:at], data[at:]
        if kind == "garble":
            return before + bytes([after[0] ^ 0x80]) + after[1:]  # no longer ASCII, nor valid UTF-8
        if kind == "duplicate":
            return data + data
        to.write(before)
        await to.drain()
        if kind == "stall":
            await asyncio.sleep(STALL_SECONDS)
            return after
        if kind == "drip":
            for byte in after[:50]:
                to.write(bytes([byte]))
                await asyncio.sleep(STALL_SECONDS / 50)
            return after[50:]
        if kind in ("blackhole", "swallow"):
            await asyncio.Event().wait()
        if kind == "reset":
            _reset(client)
        return None

    async def aclose(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def fault_proxy(target: int, seed: int, max_offset: int = MAX_OFFSET) -> AsyncGenerator[FaultProxy, None]:
    """Run a proxy in front of a loopback port for the length of the block."""
    running = FaultProxy(target, seed, max_offset)
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
