"""`get_one`, one at a time and many in flight, from the responder and from a real server."""

from typing import Any

from ..runner import Runner

IN_FLIGHT = 32
LIBRARIES = ("aiohttp", "httpx", "httpx2", "pyreqwest")
GOALS = {"aiohttp": "≤ 1.15", "httpx": "≤ 1.10", "httpx2": "≤ 1.10", "pyreqwest": "≤ 1.15"}
TIMES_FASTER = {"pocketbase-async": "≥ 10", "js": "≥ 1.8", "pocketbase": ""}


async def measure(runner: Runner) -> None:
    for in_flight in (1, IN_FLIGHT):
        job: dict[str, Any] = {"name": "get_one", "url": runner.responder, "in_flight": in_flight}
        count = runner.scaled(3000)
        where = f"get_one, {in_flight} in flight"
        for library in LIBRARIES:
            ours, bare = f"ours {library}", f"bare {library}"
            counted = job | {"count": count // 2 if library == "httpx" else count}
            costs = await runner.in_turns({ours: counted, bare: counted})
            goal = GOALS[library] if in_flight > 1 else ""
            runner.compare(f"{where}: processor time / bare {library}", costs[ours], costs[bare], by="cpu", goal=goal)
            runner.compare(f"{where}: time / bare {library}", costs[ours], costs[bare], by="wall")
        ours, bare = "ours aiohttp", "bare aiohttp"
        counted = job | {"count": runner.scaled(1000)}
        for peer in runner.peers:
            # Node compiles while it runs: it takes thousands of requests to be as fast as it gets.
            counted_too = job | {"count": runner.scaled(5000)} if peer == "js" else counted
            costs = await runner.in_turns(dict.fromkeys([ours, bare, peer], counted_too))
            goal = TIMES_FASTER[peer] if in_flight > 1 else ""
            title = f"{where}: requests a second / {peer}"
            runner.compare(title, costs[ours], costs[peer], by="wall", goal=goal, inverse=True)
            runner.compare(f"{title}: {bare}", costs[bare], costs[peer], by="wall", inverse=True)
        real = counted | {"url": await runner.server()}
        costs = await runner.in_turns(dict.fromkeys([ours, bare, *runner.peers], real))
        runner.compare(f"{where}, real server: time / {bare}", costs[ours], costs[bare], by="wall")
        for peer in runner.peers:
            title = f"{where}, real server: requests a second / {peer}"
            runner.compare(title, costs[ours], costs[peer], by="wall", inverse=True)
