"""Server-sent events: a transport's and those of realtime, beside the bare library's, each with `json.loads`."""

from ..lab import Lab


async def measure(lab: Lab) -> None:
    count = lab.scaled(100_000)
    job = {"name": "events", "url": lab.responder, "count": count}
    for library in ("aiohttp", "httpx", "httpx2"):
        ours, bare = f"ours {library}", f"bare {library}"
        told = f"{ours}:realtime"
        jobs = {ours: job, told: job | {"name": "realtime"}, bare: job}
        costs = await lab.in_turns(jobs, rounds=min(lab.rounds, 5))
        title = f"{count} events: processor time / bare {library}"
        lab.compare(title, costs[ours], costs[bare], by="cpu")
        title = f"{count} events to a callback of realtime: rate / bare {library}"
        lab.compare(title, costs[told], costs[bare], by="cpu", goal="≥ 0.8", inverse=True)
