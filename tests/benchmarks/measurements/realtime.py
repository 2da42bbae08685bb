"""Server-sent events of a transport and of realtime, compared with the bare library; each event is parsed as JSON."""

from ..runner import Runner


async def measure(runner: Runner) -> None:
    count = runner.scaled(100_000)
    job = {"name": "events", "url": runner.responder, "count": count}
    for library in ("aiohttp", "httpx", "httpx2"):
        ours, bare = f"ours {library}", f"bare {library}"
        callback = f"{ours}:realtime"
        jobs = {ours: job, callback: job | {"name": "realtime"}, bare: job}
        costs = await runner.in_turns(jobs, rounds=min(runner.rounds, 5))
        title = f"{count} events: processor time / bare {library}"
        runner.compare(title, costs[ours], costs[bare], by="cpu")
        title = f"{count} events to a callback of realtime: rate / bare {library}"
        runner.compare(title, costs[callback], costs[bare], by="cpu", goal="≥ 0.8", inverse=True)
