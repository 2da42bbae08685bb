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
    await _fan_out(runner)


async def _fan_out(runner: Runner) -> None:
    """Compare the cost of one delivery to many subscriptions with that of one delivery to a few."""
    many, few = runner.scaled(1000), 10
    ours = "ours aiohttp"
    job = {"name": "fan_out", "url": runner.responder}
    jobs = {f"{ours}:{count}": job | {"count": count} for count in (many, few)}
    costs = await runner.in_turns(jobs, rounds=min(runner.rounds, 5))
    each = {count: [cost._replace(cpu=cost.cpu / count) for cost in costs[f"{ours}:{count}"]] for count in (many, few)}
    title = f"an event to {many} subscriptions: processor time a subscription / with {few}"
    runner.compare(title, each[many], each[few], by="cpu")
