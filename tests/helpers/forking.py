"""Fork a process while a client is in use, and use the client in both processes.

python -m tests.helpers.forking LIBRARY REALTIME_URL PLAIN_URL STATE…

`tests/contract/test_forks.py` runs this module. The program prints the name of each state that passed. A child prints
the traceback of its failure.
"""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Coroutine
from typing import Any, cast

from pyreqwest.client import ClientBuilder

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response
from pocketbase_core.calls.options import SendOptions, parse_options
from pocketbase_core.endpoints import custom
from pocketbase_core.middleware import Handler
from pocketbase_transports import HttpxTransport
from tests.helpers.call_recorder import CallRecorder
from tests.helpers.child_process import in_child, wait
from tests.helpers.tokens import token
from tests.helpers.transports import MAKERS

LIBRARY, REALTIME, PLAIN, *STATES = sys.argv[1:]
LIMIT = 15


async def route(request: Request, call_next: Handler) -> Response:
    """Send all requests but those of realtime to the other server."""
    if "/api/realtime" in request.url:
        return await call_next(request)
    return await call_next(request.replace(url=request.url.replace(REALTIME, PLAIN)))


class Parent:
    """A client that is used on a loop in a thread."""

    def __init__(self) -> None:
        transport = HttpxTransport(verify=False) if LIBRARY == "httpx2" else MAKERS[LIBRARY]()
        self.pb = PocketBase(REALTIME, transport=transport, middleware=[route])
        self.started = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=(self.live(),), daemon=True)
        self.thread.start()
        self.started.wait()

    async def live(self) -> None:
        self.loop, self.ended, self.before = asyncio.get_running_loop(), asyncio.Event(), descriptors()
        self.started.set()
        await self.ended.wait()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT)

    def send(self, path: str) -> Any:
        return self.run(self.pb.send(path))

    def close(self) -> None:
        self.run(self.pb.aclose())
        self.run(connections_closed(self.before))
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def connections_closed(before: int) -> None:
    """Wait until there are no more descriptors than before: aiohttp does not wait for the end of a TLS connection."""
    while descriptors() > before:
        await asyncio.sleep(0.001)


async def use(pb: PocketBase) -> None:
    """Use everything of the parent's client in a child process."""
    if LIBRARY == "pyreqwest":
        ClientBuilder().runtime_multithreaded(True).build()  # starts the runtime, which keeps its descriptors
    before = descriptors()
    assert not pb.realtime.is_connected
    assert (await pb.send("/echo", params={"n": os.getpid()}))["target"] == f"/echo?n={os.getpid()}"
    got = CallRecorder()
    unsubscribe = await pb.realtime.subscribe("a", got)
    await pb.send("/emit")
    await got.until(1)
    await unsubscribe()
    async with pb.realtime.events("a"):
        assert pb.realtime.is_connected
    await pb.realtime.subscribe("a", got)
    await pb.aclose()
    await connections_closed(before)


def fork(pb: PocketBase, *, exits: bool = False) -> int:
    """Use the client in a child process. Return the process id of the child.

    Args:
        pb: The client.
        exits: Whether the child ends with `sys.exit`, as a program does, and not with `os._exit`.
    """

    def work() -> None:
        asyncio.run(use(pb))
        gc.collect()

    return in_child(work, LIMIT, exits=exits)


def idle() -> None:
    parent = Parent()
    before = parent.send("/connection")
    wait(fork(parent.pb))
    assert parent.send("/connection") == before, "the parent's connection is still good"
    wait(fork(parent.pb, exits=True))
    assert parent.send("/connection") == before
    parent.close()


def in_flight() -> None:
    parent = Parent()
    block = parent.pb.pipeline.stream(custom.send("/stream", parse_options(SendOptions, None, {})))
    response = parent.run(block.__aenter__())
    chunks = aiter(response.aiter_bytes())

    async def following() -> bytes:
        return await anext(chunks)

    assert parent.run(following()) == b"begun"
    wait(fork(parent.pb))
    parent.send("/finish")
    assert parent.run(following()) == b"ended"
    parent.run(block.__aexit__(None, None, None))
    parent.close()


def subscribed() -> None:
    parent, got, gaps = Parent(), CallRecorder(), CallRecorder()
    parent.run(parent.pb.realtime.subscribe("a", got, on_gap=gaps))
    name = parent.pb.realtime.client_id
    wait(fork(parent.pb))
    before = len(got)
    parent.send("/emit")
    parent.run(got.until(before + 1))
    assert (parent.pb.realtime.client_id, gaps) == (name, [])
    parent.close()


def inside_a_coroutine() -> None:
    async def main() -> None:
        parent, got = Parent(), CallRecorder()
        before = descriptors()
        async with parent.pb as pb:
            await pb.realtime.subscribe("a", got)
            connection = await pb.send("/connection")
            await asyncio.to_thread(wait, fork(pb))
            assert await pb.send("/connection") == connection
            received = len(got)
            await pb.send("/emit")
            await got.until(received + 1)
        await connections_closed(before)
        parent.close()

    asyncio.run(main())


def mid_refresh() -> None:
    parent = Parent()
    parent.pb.auth_store.save(token(30), {"id": "u1"})
    waiting = asyncio.run_coroutine_threadsafe(parent.pb.send("/echo"), parent.loop)
    parent.run(PocketBase(PLAIN, transport=vars(parent.pb)["_server"].transport.get()).send("/refreshing"))
    child = fork(parent.pb)  # the child refreshes the token for itself
    wait(child)
    assert waiting.result(LIMIT)["target"] == "/echo"
    parent.close()


def storm() -> None:
    """Use the client in threads with their own loops, which end cleanly or not, and fork meanwhile."""
    seed = os.environ.get("STORM_SEED", "1")
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # asyncio reports the tasks of closed loops as destroyed
    sys.unraisablehook = lambda _: None  # and the libraries complain when such loops are collected
    before, parent, wrong = descriptors(), Parent(), list[str]()
    parent.send("/echo")

    async def work(source: random.Random) -> None:
        for _ in range(source.randint(1, 4)):
            mark = source.randrange(10**9)
            response = await parent.pb.send("/echo", params={"mark": mark})
            assert response["target"] == f"/echo?mark={mark}", response
        match source.randrange(4):
            case 0:
                await parent.pb.realtime.close()
            case 1:
                # Realtime is in use on another loop, or closed from there.
                with contextlib.suppress(RuntimeError, PocketBaseConnectionError):
                    unsubscribe = await parent.pb.realtime.subscribe("a", print)
                    if source.random() < 0.5:
                        await unsubscribe()
            case _:
                await asyncio.sleep(source.uniform(0, 0.01))

    def leave(source: random.Random) -> None:
        """Close a loop whose tasks are in the middle of something."""
        loop = asyncio.new_event_loop()
        if LIBRARY == "aiohttp":
            tasks = [loop.create_task(work(source)) for _ in range(3)]
        else:
            loop.run_until_complete(parent.pb.send("/echo"))
            tasks = [loop.create_task(parent.pb.send("/echo"))]
        loop.run_until_complete(asyncio.sleep(source.uniform(0, 0.01)))
        loop.close()
        del tasks

    def close(source: random.Random) -> None:
        loop = asyncio.new_event_loop()
        # anyio never lets go of a task that was connecting when its loop was closed, nor of the task's socket.
        loop.run_until_complete(work(source) if LIBRARY == "aiohttp" else parent.pb.send("/echo"))
        loop.close()

    def end_cleanly(source: random.Random) -> None:
        asyncio.run(work(source))

    def live(number: int) -> None:
        source = random.Random(f"{seed} {number}")
        try:
            for _ in range(15):
                way = source.choice([close, leave, end_cleanly])
                way(source)
        except BaseException:
            wrong.append(traceback.format_exc())

    threads = [threading.Thread(target=live, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    source = random.Random(seed)
    for _ in range(6):
        time.sleep(source.uniform(0, 0.2))
        wait(fork(parent.pb))
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]
    assert parent.send("/connection") is not None
    asyncio.run(parent.pb.aclose())
    parent.loop.call_soon_threadsafe(parent.ended.set)
    parent.thread.join()
    limit = time.monotonic() + 10
    gc.collect()
    while descriptors() > before and time.monotonic() < limit:  # the thread of pyreqwest closes its connections
        gc.collect()
    remaining = descriptors(), threading.active_count()
    assert remaining == (before, 1), f"{remaining}, not {before, 1}"


if __name__ == "__main__":
    faulthandler.register(signal.SIGALRM, chain=True)
    # httpcore tries to import it at each request; an import that another thread is in blocks it in a forked child.
    sys.modules.setdefault("sniffio", cast(Any, None))
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)  # of 3.12
    if LIBRARY == "pyreqwest":
        ClientBuilder().build()
    for state in STATES:
        globals()[state]()
        print(state, flush=True)
