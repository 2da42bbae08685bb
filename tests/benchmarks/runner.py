"""Run the same job on several clients in turns, and compare the costs."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple, Self

from pocketbase_core.testing import LocalServer

from . import environments, server


class Cost(NamedTuple):
    """Seconds of wall time and of processor time, growth of memory in bytes, and the result of the job."""

    wall: float
    cpu: float
    memory: int
    result: Any


@dataclass(frozen=True)
class Row:
    """One figure of the report: a ratio of medians, or a value in `unit`, with its lower and upper quartile."""

    name: str
    value: float
    low: float
    high: float
    unit: str = "×"
    goal: str = ""

    @property
    def met(self) -> bool | None:
        """True if the goal (`≤ 1.15`, `≥ 10`) is met; None without a goal."""
        if not self.goal:
            return None
        sign, number = self.goal.split()
        return self.value <= float(number) if sign == "≤" else self.value >= float(number)


Line = list[tuple[float, float]]


@dataclass
class Report:
    """The results of the measurements: figures, and lines to plot (`{title: {label: line}}`)."""

    rows: list[Row] = field(default_factory=list[Row])
    lines: dict[str, dict[str, Line]] = field(default_factory=dict[str, dict[str, Line]])


class Client:
    """A process that runs jobs with one library or SDK."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, name: str) -> Self:
        process = await asyncio.create_subprocess_exec(
            *environments.command(name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        return cls(process)

    async def run(self, name: str, url: str, **rest: Any) -> Cost:
        """Run a job, and return its cost.

        Raises:
            RuntimeError: If the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"name": name, "url": url, **rest}).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client ended with status {await self._process.wait()} in the job {name!r}")
        return Cost(**json.loads(line))

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class Runner:
    """Starts each client when it is first needed, and the responder that the clients send their requests to."""

    def __init__(self, rounds: int, quick: bool, peers: list[str]) -> None:
        self.rounds = rounds
        self.quick = quick
        self.peers = peers
        self.responder = ""
        self.report = Report()
        self._stack = AsyncExitStack()
        self._clients: dict[str, Client] = {}
        self._server: LocalServer | None = None
        self._filled: set[int] = set()

    def scaled(self, count: int) -> int:
        """Return the count, or a tenth of the count with `quick`."""
        return count // 10 if self.quick else count

    async def __aenter__(self) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"{__package__}.responder",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._stack.push_async_callback(Client(process).stop)
        assert process.stdout is not None
        self.responder = f"http://127.0.0.1:{int(await process.stdout.readline())}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self, name: str) -> Client:
        """Return the process of a client; start the process if necessary."""
        if name not in self._clients:
            self._clients[name] = await Client.start(name)
            self._stack.push_async_callback(self._clients[name].stop)
        return self._clients[name]

    async def fresh(self, name: str) -> Client:
        """Start a new process of a client."""
        started = await Client.start(name)
        self._stack.push_async_callback(started.stop)
        return started

    async def server(self, count: int | None = None) -> str:
        """Return the URL of a real server with a collection `list<count>` of so many records."""
        if self._server is None:
            self._server = await self._stack.enter_async_context(LocalServer())
            await server.prepare(self._server)
        if count is not None and count not in self._filled:
            self._filled.add(count)
            await server.fill(self._server, count)
        return self._server.url

    @property
    def superuser(self) -> tuple[str, str]:
        """E-mail and password of the superuser, once `server` was called."""
        assert self._server is not None
        return self._server.superuser

    async def in_turns(self, jobs: dict[str, dict[str, Any]], rounds: int = 0) -> dict[str, list[Cost]]:
        """Run jobs in turns, A B C, A B C, …, after a first round that is not counted. Return the costs by key.

        Args:
            jobs: The arguments of each job. A key is the name of a client; a suffix after a colon tells jobs of one
                client apart.
            rounds: The number of rounds, in place of that of the runner.
        """
        costs: dict[str, list[Cost]] = {name: [] for name in jobs}
        for turn in range((rounds or self.rounds) + 1):
            for name, job in jobs.items():
                cost = await (await self.client(name.partition(":")[0])).run(**job)
                if turn:
                    costs[name].append(cost)
        return costs

    def compare(
        self, title: str, ours: list[Cost], theirs: list[Cost], *, by: str, goal: str = "", inverse: bool = False
    ) -> Row:
        """Add the ratio of the medians, ours to theirs, to the report.

        Args:
            title: The name of the figure.
            ours: Our costs.
            theirs: The costs to compare with, from the same rounds.
            by: What is compared, `wall` or `cpu`.
            goal: What the ratio should be, as `≤ 1.15`.
            inverse: Whether to add the ratio of theirs to ours.
        """
        if inverse:
            ours, theirs = theirs, ours
        mine, other = [getattr(cost, by) for cost in ours], [getattr(cost, by) for cost in theirs]
        ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
        quarter = len(ratios) // 4
        row = Row(title, median(mine) / median(other), ratios[quarter], ratios[-1 - quarter], goal=goal)
        self.add(row)
        return row

    def plot(self, title: str, lines: dict[str, Line]) -> None:
        """Add lines to the report."""
        self.report.lines[title] = lines
        for name, points in lines.items():
            print(f"  {title}: {name}: {', '.join(f'{x:g}: {y:.3g}' for x, y in points)}", flush=True)

    def add(self, row: Row) -> None:
        """Add a figure to the report."""
        self.report.rows.append(row)
        sign = {True: "✓", False: "✗", None: " "}[row.met]
        print(f"{sign} {row.name}: {row.value:.2f} {row.unit} ({row.low:.2f} to {row.high:.2f}) {row.goal}", flush=True)
