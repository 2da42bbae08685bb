"""The time that a middleware adds to a call, on a transport that is a function."""

from statistics import median
from typing import Any

from ..runner import Row, Runner

READY = ("Retry", "Logging", "BeforeSend", "AfterSend")


async def measure(runner: Runner) -> None:
    count = 5000
    job: dict[str, Any] = {"name": "unsent", "url": "http://127.0.0.1", "count": count}
    jobs = {f"ours aiohttp:{name}": job | {"settings": {"middleware": [name]}} for name in READY}
    jobs["ours aiohttp:none"] = job | {"settings": {"middleware": []}}
    jobs["ours aiohttp:token"] = job | {"settings": {"middleware": [], "token": True}}
    costs = await runner.in_turns(jobs, rounds=3 * runner.rounds)
    without = median(cost.cpu for cost in costs["ours aiohttp:none"])
    for name in (*READY, "token"):
        added = sorted((cost.cpu - without) / count * 1e6 for cost in costs[f"ours aiohttp:{name}"])
        quarter = len(added) // 4
        title, goal = ("a token from the auth store", "") if name == "token" else (name, "≤ 5")
        runner.add(Row(f"{title}: added to a request", median(added), added[quarter], added[-1 - quarter], "µs", goal))
