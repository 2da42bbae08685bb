"""The growth of the costs of a request, of a record of a list, and of the delivery of an event.

Each line is in multiples of the first point of this library.
"""

from statistics import median

from ..runner import Line, Runner


async def measure(runner: Runner) -> None:
    await _in_flight(runner)
    await _records(runner)
    await _deliveries(runner)


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
            lines[name].append((in_flight, median(cost.wall for cost in costs[name]) / count))
    runner.plot("a get_one, by the number in flight", _in_multiples(lines))


async def _records(runner: Runner) -> None:
    clients = ["ours aiohttp", *runner.peers]
    lines: dict[str, Line] = {name: [] for name in clients}
    for count in (10, 100, runner.scaled(10_000), runner.scaled(100_000)):
        url = await runner.server(count)
        job = {"name": "full_list", "url": url, "count": count}
        costs = await runner.in_turns(dict.fromkeys(clients, job), rounds=2)
        for name in clients:
            lines[name].append((count, median(cost.wall for cost in costs[name]) / count))
    runner.plot("a record of get_full_list, by the length", _in_multiples(lines))


async def _deliveries(runner: Runner) -> None:
    line: Line = []
    for count in (1, 10, 100, 1000):
        job = {"name": "fan_out", "url": runner.responder, "count": count}
        costs = await runner.in_turns({"ours aiohttp": job}, rounds=2)
        line.append((count, median(cost.wall for cost in costs["ours aiohttp"]) / count))
    runner.plot("a delivery of an event, by the number of subscriptions", _in_multiples({"ours aiohttp": line}))


def _in_multiples(lines: dict[str, Line]) -> dict[str, Line]:
    """Return the lines divided by the first point of the first line."""
    unit = next(iter(lines.values()))[0][1]
    return {name: [(x, y / unit) for x, y in line] for name, line in lines.items()}
