"""The time of a call on a transport that sends nothing: of the whole chain, and of each middleware."""

from statistics import median
from typing import Any

from ..runner import Row, Runner

READY = ("Retry", "Logging", "BeforeSend", "AfterSend")


async def measure(runner: Runner) -> None:
    count = 5000
    await _chain(runner, count)
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


async def _chain(runner: Runner, count: int) -> None:
    """Measure `get_one` with a token and the default middleware, without the decoding of its JSON."""
    chain, decoding = "ours aiohttp:chain", "ours aiohttp:decoding"
    job: dict[str, Any] = {"url": "http://127.0.0.1", "count": count}
    jobs = {chain: job | {"name": "unsent_by_user"}, decoding: job | {"name": "record_json"}}
    costs = await runner.in_turns(jobs, rounds=3 * runner.rounds)
    without_json = [
        whole._replace(cpu=whole.cpu - json.cpu) for whole, json in zip(costs[chain], costs[decoding], strict=True)
    ]
    times = sorted(cost.cpu / count * 1e6 for cost in without_json)
    quarter = len(times) // 4
    runner.add(Row("get_one without JSON and I/O", median(times), times[quarter], times[-1 - quarter], "µs"))
    title = "get_one without JSON and I/O: processor time / json.loads of its record"
    runner.compare(title, without_json, costs[decoding], by="cpu", goal="≤ 2.1")
