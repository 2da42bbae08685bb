"""The stream that reads while httpx writes a body, without a network."""

import asyncio
import errno
from types import SimpleNamespace
from typing import Any

import httpcore
import pytest

from pocketbase_core import PocketBaseConnectionError, PocketBaseTransportError, Request
from pocketbase_core.transport import ErrorMapping, Exchange
from pocketbase_transports.httpx.early_responses import DuplexStream


class Stream:
    """A network stream: reads return what is put into `incoming`, writes wait for `is_open`."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_open = asyncio.Event()
        self.is_closed = False

    async def read(self, size: int, *_: object) -> bytes:
        return await self.incoming.get()

    async def write(self, buffer: bytes, *_: object) -> None:
        await self.is_open.wait()

    async def aclose(self) -> None:
        self.is_closed = True

    def get_extra_info(self, info: str) -> Any:
        return {"is_readable": not self.incoming.empty()}.get(info)


def connection(stream: Stream) -> Any:
    class Connection(SimpleNamespace):
        __module__ = "httpcore.connection"

    replaced = Connection(_network_stream=stream)
    replaced._network_stream = DuplexStream(replaced, stream, 100)
    return replaced


async def test_a_read_that_takes_too_long_raises_the_timeout_of_the_library() -> None:
    stream = Stream()
    duplex = connection(stream)._network_stream
    with pytest.raises(httpcore.ReadTimeout):
        await duplex.read(10, timeout=0.01)
    await duplex.aclose()
    assert stream.is_closed


async def test_writing_fails_when_the_connection_ends() -> None:
    stream = Stream()
    replaced = connection(stream)
    writing = asyncio.create_task(replaced._network_stream.write(b"abc"))
    await asyncio.sleep(0)
    stream.incoming.put_nowait(b"")
    with pytest.raises(httpcore.WriteError):
        await writing
    assert await replaced._network_stream.read(10) == b"", "the end of the connection"
    assert replaced._network_stream is stream, "the duplex stream is not needed any more"


async def test_extra_info_comes_from_the_replaced_stream() -> None:
    stream = Stream()
    duplex = connection(stream)._network_stream
    assert duplex.get_extra_info("is_readable") is False
    await duplex.write(b"")
    await duplex.aclose()


async def test_too_many_open_files_are_recognized_below_any_exception() -> None:
    failure = RuntimeError("no connection")
    failure.__cause__ = OSError(errno.EMFILE, "Too many open files")
    exchange = Exchange(Request("GET", "http://h/"), {RuntimeError: ErrorMapping(PocketBaseTransportError)})
    with pytest.raises(PocketBaseConnectionError, match=r"too many open files.*ulimit -n") as caught:
        exchange.raise_mapped(failure)
    assert caught.value.request_sent is False
    assert isinstance(caught.value.__cause__, OSError)
