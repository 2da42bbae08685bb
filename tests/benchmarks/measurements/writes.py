"""Creates on a real server, one by one and in batches."""

from ..runner import Cost, Runner


async def measure(runner: Runner) -> None:
    count = runner.scaled(10_000)
    url = await runner.server()
    ours, batches = "ours aiohttp", "ours aiohttp:batches"
    job = {"name": "create", "url": url, "count": count}
    peers = [peer for peer in runner.peers if peer != "pocketbase"]
    rounds: dict[str, list[Cost]] = await runner.in_turns(
        {ours: job, batches: job | {"name": "create_in_batches"}, **dict.fromkeys(peers, job)},
        rounds=min(runner.rounds, 3),
    )
    many = f"{ours}:create_many"
    superuser = {"settings": {"superuser": runner.superuser}}
    jobs = {batches: job | {"name": "create_in_batches"}, many: job | {"name": "create_many"} | superuser}
    costs = await runner.in_turns(jobs, rounds=min(runner.rounds, 5))
    title = f"{count} rows by create_many: rate / in batches by hand"
    runner.compare(title, costs[many], costs[batches], by="wall", goal="≥ 0.9", inverse=True)
    await _with_file(runner, url)
    for peer in peers:
        runner.compare(f"{count} creates one by one: time / {peer}", rounds[ours], rounds[peer], by="wall")
        goal = "≥ 8" if peer == "pocketbase-async" else ""
        title = f"{count} creates in batches: times as fast as {peer} one by one"
        runner.compare(title, rounds[batches], rounds[peer], by="wall", goal=goal, inverse=True)


async def _with_file(runner: Runner, url: str) -> None:
    if "js" not in runner.peers:
        return
    job = {"name": "create_with_file", "url": url, "count": runner.scaled(1000), "in_flight": 8}
    costs = await runner.in_turns(dict.fromkeys(["ours aiohttp", "js"], job), rounds=min(runner.rounds, 3))
    title = "creates with a file of 10 kB, 8 in flight: time / js"
    runner.compare(title, costs["ours aiohttp"], costs["js"], by="wall")
