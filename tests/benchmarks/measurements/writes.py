"""Creates on a real server, one by one and in batches."""

from ..lab import Cost, Lab


async def measure(lab: Lab) -> None:
    count = lab.scaled(10_000)
    url = await lab.server()
    ours, batches = "ours aiohttp", "ours aiohttp:batches"
    job = {"name": "create", "url": url, "count": count}
    peers = [peer for peer in lab.peers if peer != "pocketbase"]
    rounds: dict[str, list[Cost]] = await lab.in_turns(
        {ours: job, batches: job | {"name": "create_in_batches"}, **dict.fromkeys(peers, job)},
        rounds=min(lab.rounds, 3),
    )
    for peer in peers:
        lab.compare(f"{count} creates one by one: time / {peer}", rounds[ours], rounds[peer], by="wall")
        goal = "≥ 8" if peer == "pocketbase-async" else ""
        title = f"{count} creates in batches: times as fast as {peer} one by one"
        lab.compare(title, rounds[batches], rounds[peer], by="wall", goal=goal, inverse=True)
