"""Live queries on a real server: how soon they show a change, and what entering and a reconnection cost."""

from ..runner import Row, Runner


async def measure(runner: Runner) -> None:
    count = runner.scaled(50_000)
    url = await runner.server(count)
    for library in ("aiohttp", "httpx", "httpx2"):
        client = await runner.client(f"ours {library}")
        costs = [await client.run("live_change", url, count=100) for _ in range(min(runner.rounds, 3))]
        ratios = sorted(cost.result["shown"] / cost.result["read"] for cost in costs)
        title = f"{library}: a live query shows a change: time from the response to the write / get_one"
        runner.add(Row(title, ratios[len(ratios) // 2], ratios[0], ratios[-1], goal="≤ 2"))
    ours, whole = "ours aiohttp", "ours aiohttp:whole"
    job = {"url": url, "count": count}
    rounds = min(runner.rounds, 3)
    costs_by_name = await runner.in_turns(
        {ours: job | {"name": "live_enter"}, whole: job | {"name": "full_list"}}, rounds=rounds
    )
    title = f"entering a live query of {count}: time / get_full_list"
    whole_costs = costs_by_name[whole]
    runner.compare(title, costs_by_name[ours], whole_costs, by="wall")
    client = await runner.client(ours)
    results = [(await client.run("live_reconnect", url, count=count)).result for _ in range(rounds)]
    full = sorted(cost.wall for cost in whole_costs)[rounds // 2]
    times = sorted(result["seconds"] / full for result in results)
    title = f"10 of {count} changed during an outage: time from connection to current / get_full_list"
    runner.add(Row(title, times[rounds // 2], times[0], times[-1]))
    sizes = sorted(result["bytes"] / 1024 for result in results)
    runner.add(Row("the same: read", sizes[rounds // 2], sizes[0], sizes[-1], "KiB"))
