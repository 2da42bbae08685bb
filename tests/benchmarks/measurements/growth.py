"""How the cost of one request grows with how many are in flight, and that of one record with the list's length."""

from statistics import median

from ..lab import Lab, Line


async def measure(lab: Lab) -> None:
    await _in_flight(lab)
    await _records(lab)


async def _in_flight(lab: Lab) -> None:
    subjects = ["ours aiohttp", "bare aiohttp", *lab.peers]
    lines: dict[str, Line] = {name: [] for name in subjects}
    for in_flight in (1, 4, 16, 64, 256, 512):
        count = max(lab.scaled(1000), in_flight)
        job = {"name": "get_one", "url": lab.responder, "count": count, "in_flight": in_flight}
        # Its connections break where more threads share it.
        taking_part = [name for name in subjects if name != "pocketbase" or in_flight <= 16]
        costs = await lab.in_turns(dict.fromkeys(taking_part, job), rounds=2)
        for name in taking_part:
            lines[name].append((in_flight, median(cost.wall for cost in costs[name]) / count * 1e6))
    lab.plot("µs a get_one, by number in flight", lines)


async def _records(lab: Lab) -> None:
    subjects = ["ours aiohttp", *lab.peers]
    lines: dict[str, Line] = {name: [] for name in subjects}
    for count in (10, 100, lab.scaled(10_000), lab.scaled(100_000)):
        url = await lab.server(count)
        job = {"name": "full_list", "url": url, "count": count}
        costs = await lab.in_turns(dict.fromkeys(subjects, job), rounds=2)
        for name in subjects:
            lines[name].append((count, median(cost.wall for cost in costs[name]) / count * 1e6))
    lab.plot("µs a record of get_full_list", lines)
