"""Lists that are read to their end, from a real server: how long they take, and how much memory."""

from ..lab import Cost, Lab, Row

MEBIBYTE = 2**20


async def measure(lab: Lab) -> None:
    count = lab.scaled(50_000)
    url = await lab.server(count)
    job = {"name": "full_list", "url": url, "count": count}
    ours = "ours aiohttp"
    costs = await lab.in_turns(dict.fromkeys([ours, *lab.peers], job))
    for peer in lab.peers:
        goal = "" if peer == "pocketbase" else "≤ 0.8"
        lab.compare(f"get_full_list of {count}: time / {peer}", costs[ours], costs[peer], by="wall", goal=goal)
    costs = await lab.in_turns({ours: job | {"name": "iterate"}, f"{ours}:all": job})
    lab.compare(f"iterate over {count}: time / get_full_list", costs[ours], costs[f"{ours}:all"], by="wall")
    await _memory(lab, url, count)
    await _depth(lab)


async def _memory(lab: Lab, url: str, count: int) -> None:
    grown: list[float] = []
    for _ in range(3):
        subject = await lab.fresh("ours aiohttp")
        await subject.run("first_page", url, count=count)
        cost: Cost = await subject.run("iterate", url, count=count)
        grown.append(cost.memory / MEBIBYTE)
        await subject.stop()
    grown.sort()
    lab.add(Row(f"iterate over {count}: memory", grown[1], grown[0], grown[-1], "MiB", "≤ 10"))


async def _depth(lab: Lab) -> None:
    count = lab.scaled(200_000)
    url = await lab.server(count)
    subject = await lab.subject("ours aiohttp")
    ratios: list[float] = []
    for _ in range(lab.rounds):
        waits: list[float] = (await subject.run("page_waits", url, count=count)).told
        first, last = waits[1 : len(waits) // 10 + 1], waits[-len(waits) // 10 :]
        ratios.append(sorted(last)[len(last) // 2] / sorted(first)[len(first) // 2])
    ratios.sort()
    quarter = len(ratios) // 4
    title = f"iterate over {count}: a page of the last tenth / of the first"
    lab.add(Row(title, ratios[len(ratios) // 2], ratios[quarter], ratios[-1 - quarter], goal="≤ 1.5"))
