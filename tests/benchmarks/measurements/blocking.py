"""The blocking face, compared with other libraries that block and with the asynchronous face."""

from statistics import median
from typing import Any

from ..runner import Cost, Row, Runner
from .requests import IN_FLIGHT

LIBRARIES = ("aiohttp", "httpx", "pyreqwest")
GOALS = {"pocketbase": "≥ 1.5", "bare_blocking requests": "≥ 1.0", "bare_blocking httpx": "≥ 1.5"}


async def measure(runner: Runner) -> None:
    await _one_by_one(runner)
    await _in_threads(runner)
    await _streams(runner)


async def _one_by_one(runner: Runner) -> None:
    count = runner.scaled(1000)
    job: dict[str, Any] = {"name": "get_one", "url": runner.responder, "count": count}
    others = [name for name in GOALS if name.startswith("bare") or name in runner.peers]
    faces = [f"{face} {library}" for library in LIBRARIES for face in ("blocking", "ours")]
    costs = await runner.in_turns(dict.fromkeys([*faces, *others], job), rounds=2 * runner.rounds)
    for library in LIBRARIES:
        ours, asynchronous = costs[f"blocking {library}"], costs[f"ours {library}"]
        where = f"get_one, blocking, one by one, {library}"
        for other in others:
            goal = GOALS[other] if library == "aiohttp" else ""
            title = f"{where}: requests a second / {_named(other)}"
            runner.compare(title, ours, costs[other], by="wall", goal=goal, inverse=True)
        for by, what in {"wall": "time", "cpu": "processor time"}.items():
            _add(runner, f"{where}: {what} added to await", ours, asynchronous, by, count)


def _add(runner: Runner, title: str, ours: list[Cost], asynchronous: list[Cost], by: str, count: int) -> None:
    pairs = zip(ours, asynchronous, strict=True)
    added = sorted((getattr(mine, by) - getattr(other, by)) / count * 1e6 for mine, other in pairs)
    quarter = len(added) // 4
    runner.add(Row(title, median(added), added[quarter], added[-1 - quarter], "µs"))


def _named(client: str) -> str:
    return client.replace("bare_blocking", "bare")


async def _in_threads(runner: Runner) -> None:
    """Compare threads that share one client with other threads, and with as many tasks."""
    ours, asynchronous = "blocking aiohttp", "ours aiohttp"
    job: dict[str, Any] = {"name": "get_one", "url": runner.responder, "count": runner.scaled(2000)}
    job["in_flight"] = IN_FLIGHT
    others: dict[str, tuple[str, dict[str, Any]]] = {
        "threads on one httpx.Client": ("bare_blocking httpx", job),
        "threads with a requests.Session each": ("bare_blocking requests", job | {"settings": {"sessions": True}}),
        "tasks of the asynchronous face": (asynchronous, job),
    }
    if "pocketbase" in runner.peers:
        others["threads on one client of pocketbase"] = ("pocketbase", job)
    costs = await runner.in_turns({ours: job, **dict(others.values())})
    for title, (client, _) in others.items():
        title = f"get_one, {IN_FLIGHT} threads on one client: requests a second / {IN_FLIGHT} {title}"
        runner.compare(title, costs[ours], costs[client], by="wall", inverse=True)


async def _streams(runner: Runner) -> None:
    """Compare what delivers many items with the asynchronous face."""
    count = runner.scaled(50_000)
    server = await runner.server(count)
    jobs: dict[str, dict[str, Any]] = {
        "iterate over {}": {"name": "iterate", "url": server, "count": count},
        "{} rows by create_many": {
            "name": "create_many",
            "url": server,
            "count": runner.scaled(10_000),
            "settings": {"superuser": runner.superuser},
        },
        # With fewer events, the stream would end before its topic is confirmed.
        "{} events of an iterator": {"name": "event_stream", "url": runner.responder, "count": 20_000},
    }
    for title, job in jobs.items():
        costs = await runner.in_turns(dict.fromkeys(("blocking aiohttp", "ours aiohttp"), job))
        ours, asynchronous = costs.values()
        title = f"{title.format(job['count'])}, blocking: rate / asynchronous"
        by = "cpu" if job["name"] == "event_stream" else "wall"  # an event takes less than the responder needs for it
        runner.compare(title, ours, asynchronous, by=by, inverse=True)
