"""`get_one`, one at a time and many in flight, from the responder and from a real server."""

from typing import Any

from ..runner import Runner

IN_FLIGHT = 32
LIBRARIES = ("aiohttp", "httpx", "httpx2", "pyreqwest")
GOALS = {"aiohttp": "≤ 1.00", "httpx": "≤ 1.05", "httpx2": "≤ 1.05", "pyreqwest": "≤ 1.15"}
TIMES_AS_MANY = {
    ("aiohttp", "pocketbase-async"): "≥ 10",
    ("pyreqwest", "js"): "≥ 2.0",
    ("pyreqwest", "pocketbase-async"): "≥ 25",
    ("pyreqwest", "pocketbase"): "≥ 5",
}


async def measure(runner: Runner) -> None:
    for in_flight in (1, IN_FLIGHT, 512):
        await _bare(runner, in_flight)
    for in_flight in (1, IN_FLIGHT):
        await _peers(runner, in_flight)
        await _real_server(runner, in_flight)


async def _bare(runner: Runner, in_flight: int) -> None:
    where = f"get_one, {in_flight} in flight"
    for library in LIBRARIES:
        ours, bare = f"ours {library}", f"bare {library}"
        job = _job(runner.responder, in_flight, runner.scaled(1500 if library == "httpx" else 3000))
        costs = await runner.in_turns({ours: job, bare: job})
        goal = GOALS[library] if in_flight == IN_FLIGHT else ""
        runner.compare(f"{where}: processor time / bare {library}", costs[ours], costs[bare], by="cpu", goal=goal)
        runner.compare(f"{where}: time / bare {library}", costs[ours], costs[bare], by="wall")


async def _peers(runner: Runner, in_flight: int) -> None:
    ours = {library: f"ours {library}" for library in ("aiohttp", "pyreqwest")}
    for peer in runner.peers:
        # Node compiles while it runs: it takes thousands of requests to be as fast as it gets.
        job = _job(runner.responder, in_flight, runner.scaled(5000 if peer == "js" else 1000))
        costs = await runner.in_turns(dict.fromkeys([*ours.values(), peer], job))
        for library, name in ours.items():
            goal = TIMES_AS_MANY.get((library, peer), "") if in_flight == IN_FLIGHT else ""
            title = f"get_one, {in_flight} in flight, {library}: requests a second / {peer}"
            runner.compare(title, costs[name], costs[peer], by="wall", goal=goal, inverse=True)


async def _real_server(runner: Runner, in_flight: int) -> None:
    where, ours, bare = f"get_one, {in_flight} in flight, real server", "ours aiohttp", "bare aiohttp"
    job = _job(await runner.server(), in_flight, runner.scaled(1000))
    costs = await runner.in_turns(dict.fromkeys([ours, bare, *runner.peers], job))
    runner.compare(f"{where}: time / {bare}", costs[ours], costs[bare], by="wall")
    for peer in runner.peers:
        runner.compare(f"{where}: requests a second / {peer}", costs[ours], costs[peer], by="wall", inverse=True)


def _job(url: str, in_flight: int, count: int) -> dict[str, Any]:
    return {"name": "get_one", "url": url, "in_flight": in_flight, "count": count}
