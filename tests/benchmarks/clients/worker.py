"""The client process: run the jobs that arrive on standard input, and print the cost of each job."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """What to do, how often, how many at a time, on which server, and with which settings of the client."""

    name: str
    url: str
    count: int = 1
    in_flight: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


Work = Callable[[Job], Awaitable[object]]


async def repeat(job: Job, work: Callable[[int], Awaitable[object]]) -> None:
    """Call `work` with each number below `count`, with `in_flight` calls at a time."""
    numbers = iter(range(job.count))

    async def one_after_the_other() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(one_after_the_other() for _ in range(job.in_flight)))


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a client on asyncio's event loop, or on uvloop's if that is the last argument."""
    runner: Any = import_module("uvloop").run if sys.argv[-1] == "uvloop" else asyncio.run
    runner(main())


async def serve(works: Mapping[str, Work]) -> None:
    """Run each job that arrives, and print its cost as a line of JSON."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        job = Job(**json.loads(line))
        memory, cpu, wall = _peak(), time.process_time(), time.perf_counter()
        result = await works[job.name](job)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        cost = {"wall": wall, "cpu": cpu, "memory": _peak() - memory, "result": result}
        print(json.dumps(cost), flush=True)


def _peak() -> int:
    with suppress(OSError):  # on Linux, getrusage starts with the peak of the parent process
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
