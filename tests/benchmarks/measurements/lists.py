"""The time and memory that it takes to read a whole list from a real server."""

from ..runner import Cost, Row, Runner

MEBIBYTE = 2**20
GOALS_WITH_ORJSON = {"js": "≤ 0.6", "pocketbase-async": "≤ 0.5"}


async def measure(runner: Runner) -> None:
    count = runner.scaled(50_000)
    url = await runner.server(count)
    job = {"name": "full_list", "url": url, "count": count}
    ours = "ours aiohttp"
    costs = await runner.in_turns(dict.fromkeys([ours, *runner.peers], job))
    for peer in runner.peers:
        goal = "" if peer == "pocketbase" else "≤ 0.8"
        runner.compare(f"get_full_list of {count}: time / {peer}", costs[ours], costs[peer], by="wall", goal=goal)
    fast = f"{ours}:orjson"
    costs = await runner.in_turns({fast: job | {"settings": {"json": "orjson"}}, **dict.fromkeys(runner.peers, job)})
    for peer, goal in GOALS_WITH_ORJSON.items():
        if peer in runner.peers:
            title = f"get_full_list of {count} with orjson: time / {peer}"
            runner.compare(title, costs[fast], costs[peer], by="wall", goal=goal)
    await _page(runner)
    costs = await runner.in_turns({ours: job | {"name": "iterate"}, f"{ours}:all": job})
    runner.compare(f"iterate over {count}: time / get_full_list", costs[ours], costs[f"{ours}:all"], by="wall")
    await _memory(runner, url, count)
    await _depth(runner)


async def _page(runner: Runner) -> None:
    ours = "ours aiohttp"
    job = {"name": "page", "url": runner.responder, "count": runner.scaled(300)}
    costs = await runner.in_turns({ours: job, f"{ours}:orjson": job | {"settings": {"json": "orjson"}}})
    title = "a page of 1000: processor time with orjson / with json"
    runner.compare(title, costs[f"{ours}:orjson"], costs[ours], by="cpu")


async def _memory(runner: Runner, url: str, count: int) -> None:
    grown: list[float] = []
    for _ in range(3):
        client = await runner.fresh("ours aiohttp")
        await client.run("first_page", url, count=count)
        cost: Cost = await client.run("iterate", url, count=count)
        grown.append(cost.memory / MEBIBYTE)
        await client.stop()
    grown.sort()
    runner.add(Row(f"iterate over {count}: memory", grown[1], grown[0], grown[-1], "MiB", "≤ 10"))


async def _depth(runner: Runner) -> None:
    count = runner.scaled(200_000)
    url = await runner.server(count)
    client = await runner.client("ours aiohttp")
    ratios: list[float] = []
    for _ in range(runner.rounds):
        waits: list[float] = (await client.run("page_waits", url, count=count)).result
        first, last = waits[1 : len(waits) // 10 + 1], waits[-len(waits) // 10 :]
        ratios.append(sorted(last)[len(last) // 2] / sorted(first)[len(first) // 2])
    ratios.sort()
    quarter = len(ratios) // 4
    title = f"iterate over {count}: a page of the last tenth / of the first"
    runner.add(Row(title, ratios[len(ratios) // 2], ratios[quarter], ratios[-1 - quarter], goal="≤ 1.5"))
