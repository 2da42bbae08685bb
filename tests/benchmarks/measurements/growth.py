"""The growth of the cost of one request with the number in flight, and of one record with the length of the list."""

from statistics import median

from ..runner import Line, Runner


async def measure(runner: Runner) -> None:
    await _in_flight(runner)
    await _records(runner)


async def _in_flight(runner: Runner) -> None:
    clients = ["ours aiohttp", "bare aiohttp", *runner.peers]
    lines: dict[str, Line] = {name: [] for name in clients}
    for in_flight in (1, 4, 16, 64, 256, 512):
        count = max(runner.scaled(1000), in_flight)
        job = {"name": "get_one", "url": runner.responder, "count": count, "in_flight": in_flight}
        # The connections of this SDK break when more threads share them.
        taking_part = [name for name in clients if name != "pocketbase" or in_flight <= 16]
        costs = await runner.in_turns(dict.fromkeys(taking_part, job), rounds=2)
        for name in taking_part:
            lines[name].append((in_flight, median(cost.wall for cost in costs[name]) / count * 1e6))
    runner.plot("µs a get_one, by number in flight", lines)


async def _records(runner: Runner) -> None:
    clients = ["ours aiohttp", *runner.peers]
    lines: dict[str, Line] = {name: [] for name in clients}
    for count in (10, 100, runner.scaled(10_000), runner.scaled(100_000)):
        url = await runner.server(count)
        job = {"name": "full_list", "url": url, "count": count}
        costs = await runner.in_turns(dict.fromkeys(clients, job), rounds=2)
        for name in clients:
            lines[name].append((count, median(cost.wall for cost in costs[name]) / count * 1e6))
    runner.plot("µs a record of get_full_list", lines)
