"""What a client costs: one of its own, a light one for one of many users, and a subscription."""

from statistics import median

from ..runner import Row, Runner

KIBIBYTE = 1024
MEMORY = {
    "light_bytes": ("a light client", "≤ 8"),
    "light_with_records_bytes": ("a light client with the service of one collection", ""),
    "full_bytes": ("a client", ""),
    "subscription_bytes": ("a subscription", ""),
}


async def measure(runner: Runner) -> None:
    client = await runner.client("users")
    times = [(await client.run("light_seconds", "", count=1000)).result * 1e6 for _ in range(3 * runner.rounds)]
    _add(runner, "a light client: processor time", times, "µs", "≤ 20")
    for job, (name, goal) in MEMORY.items():  # after the times, because tracing takes time
        count = 500 if job == "subscription_bytes" else 1000
        sizes = [
            (await client.run(job, runner.responder, count=count)).result / KIBIBYTE
            for _ in range(min(runner.rounds, 3))
        ]
        _add(runner, f"{name}: memory", sizes, "KiB", goal)


def _add(runner: Runner, title: str, values: list[float], unit: str, goal: str) -> None:
    values.sort()
    quarter = len(values) // 4
    runner.add(Row(title, median(values), values[quarter], values[-1 - quarter], unit, goal))
