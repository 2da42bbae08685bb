"""The client process: run the jobs that arrive on standard input, and print the cost of each job."""

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
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


def repeat_in_threads(job: Job, make_work: Callable[[int], Callable[[int], object]]) -> None:
    """Call a function with each number below `count`, with `in_flight` calls at a time, each on a thread of its own.

    Args:
        job: The job. With one call in flight, the calls are made on this thread.
        make_work: Returns the function for the thread of a number, from 0 on.
    """
    numbers, lock = iter(range(job.count)), threading.Lock()

    def one_after_the_other(thread: int) -> None:
        work = make_work(thread)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            work(number)

    if job.in_flight == 1:
        one_after_the_other(0)
        return
    with ThreadPoolExecutor(job.in_flight) as threads:
        list(threads.map(one_after_the_other, range(job.in_flight)))


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a client on asyncio's event loop, or on uvloop's if that is the last argument."""
    runner: Any = import_module("uvloop").run if sys.argv[-1] == "uvloop" else asyncio.run
    runner(main())


async def serve(works: Mapping[str, Work]) -> None:
    """Run each job that arrives, and print its cost as a line of JSON."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        job, meter = Job(**json.loads(line)), _Meter()
        meter.print_cost(await works[job.name](job))


def serve_blocking(works: Mapping[str, Callable[[Job], object]]) -> None:
    """Run each job that arrives, in a process without an event loop, and print its cost as a line of JSON."""
    while line := sys.stdin.readline():
        job, meter = Job(**json.loads(line)), _Meter()
        meter.print_cost(works[job.name](job))


class _Meter:
    def __init__(self) -> None:
        self._memory, self._cpu, self._wall = _peak(), time.process_time(), time.perf_counter()

    def print_cost(self, result: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        print(json.dumps({"wall": wall, "cpu": cpu, "memory": _peak() - self._memory, "result": result}), flush=True)


def _peak() -> int:
    with suppress(OSError):  # on Linux, getrusage starts with the peak of the parent process
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
