"""The processor time that it takes to make instances of classes of a page of 1,000 records."""

from statistics import median

from ..clients.decoding import DECODERS
from ..runner import Row, Runner

RATIOS = {
    ("dataclass", "msgspec"): "≤ 2",
    ("dataclass with expand", "msgspec with expand"): "",
    ("frozen dataclass", "msgspec"): "",
    ("TypedDict", "msgspec"): "",
    ("msgspec", "msgspec.convert"): "",
    ("pydantic", "TypeAdapter.validate_python"): "",
}


async def measure(runner: Runner) -> None:
    pages = runner.scaled(50)
    job = {"name": "decode", "url": "", "count": pages}
    jobs = {f"ours aiohttp:{name}": job | {"settings": {"decoder": name}} for name in DECODERS}
    costs = {name.partition(":")[2]: each for name, each in (await runner.in_turns(jobs)).items()}
    for (name, other), goal in RATIOS.items():
        runner.compare(f"decode 1,000 records: {name} / {other}", costs[name], costs[other], by="cpu", goal=goal)
    for name, each in costs.items():
        times = sorted(cost.cpu / pages / 1000 * 1e6 for cost in each)
        quarter = len(times) // 4
        runner.add(Row(f"decode a record: {name}", median(times), times[quarter], times[-1 - quarter], "µs"))
