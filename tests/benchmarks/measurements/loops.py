"""`get_one` on uvloop, compared with asyncio's own event loop and with the bare library on uvloop."""

from typing import Any

from ..runner import Runner
from .requests import IN_FLIGHT, LIBRARIES


async def measure(runner: Runner) -> None:
    job: dict[str, Any] = {"name": "get_one", "url": runner.responder, "in_flight": IN_FLIGHT}
    for library in LIBRARIES:
        ours, bare = f"ours {library}", f"bare {library}"
        counted = job | {"count": runner.scaled(1500 if library == "httpx" else 3000)}
        costs = await runner.in_turns(dict.fromkeys([ours, f"{ours} uvloop", f"{bare} uvloop"], counted))
        where = f"get_one, {IN_FLIGHT} in flight, {library} on uvloop: processor time"
        runner.compare(f"{where} / asyncio", costs[f"{ours} uvloop"], costs[ours], by="cpu")
        runner.compare(f"{where} / bare on uvloop", costs[f"{ours} uvloop"], costs[f"{bare} uvloop"], by="cpu")
