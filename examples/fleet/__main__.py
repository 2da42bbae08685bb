"""Kill workers while they work, and count what was done. Needs `redis-server`.

python -m examples.fleet
python -m examples.fleet --records 20000 --workers 4 --seconds 60 --kill-every 2 --seed 1
"""

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import shutil
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from pocketbase_core import EventStream, Gap, PocketBase
from pocketbase_core.testing import LocalServer

from .listener import LEASE, STREAM
from .processes import Workers, run_redis, send_signal, stop_on_sigterm
from .session import COUNTS, EMAIL, open_redis
from .worker import COUNTER

BATCH = 200


async def set_up(pb: PocketBase, password: str) -> None:
    """Create the collections, the user of the workers, and the counter."""
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": BATCH, "timeout": 10}})
    # Tokens live for ten seconds, so that the session is renewed often.
    await pb.collections.import_collections(json.loads((Path(__file__).parent / "collections.json").read_text()))
    await pb.collection("workers").create({"email": EMAIL, "password": password})
    await pb.collection("counters").create({"id": COUNTER, "n": 0})


async def create_jobs(pb: PocketBase, records: int, seconds: float) -> None:
    """Create the jobs in batches, spread over the time."""
    begun = time.monotonic()
    for start in range(0, records, BATCH // 4):
        await asyncio.sleep(begun + seconds * start / records - time.monotonic())
        async with pb.create_batch() as batch:
            for number in range(start, min(start + BATCH // 4, records)):
                batch.collection("jobs").create({"number": number}, fields="id")


async def kill_workers(workers: Workers, redis: Redis, every: float, chance: random.Random) -> None:
    """Kill a random worker again and again."""
    while True:
        await asyncio.sleep(every)
        listener = await redis.get(LEASE)
        alive = [(name, process) for name, process in workers.running.items() if process.returncode is None]
        if not alive:
            continue
        name, process = chance.choice(alive)
        send_signal(process, signal.SIGKILL)
        is_listener = listener == f"{name}:{process.pid}"
        await redis.hincrby(COUNTS, "kills")
        await redis.hincrby(COUNTS, "kills of the listener", int(is_listener))
        print(f"killed {name}{', the listener' if is_listener else ''}", flush=True)


async def wait_until_done(events: EventStream[Any], pb: PocketBase, redis: Redis, records: int) -> None:
    """Wait until each job has a result, and until nothing is left that could be delivered again."""
    async for event in events:
        if not isinstance(event, Gap) and event["record"]["n"] < records:
            continue
        if (await pb.collection("results").get_list(1, 1, fields="id"))["totalItems"] >= records:
            break
    while await redis.xlen(STREAM):
        await asyncio.sleep(0.05)


async def summarize(pb: PocketBase, redis: Redis, failures: int, seconds: float) -> bool:
    """Print what was done. Return whether each job was done once."""
    jobs = {job["id"] for job in await pb.collection("jobs").get_full_list(fields="id")}
    done = {result["job"] for result in await pb.collection("results").get_full_list(fields="job")}
    lost = len(jobs - done)
    twice = int((await pb.collection("counters").get_one(COUNTER))["n"]) - len(done)
    counts = defaultdict[Any, Any](int, await redis.hgetall(COUNTS))
    rows = {
        "records created": len(jobs),
        "jobs done": len(done),
        "lost": lost,
        "done twice": twice,
        "duplicate deliveries": counts["duplicates"],
        "kills": f"{counts['kills']}, {counts['kills of the listener']} of them of the listener",
        "other ends of workers": failures,
        "elections": counts["elections"],
        "gaps": counts["gaps"],
        "sign-ins": counts["auth-with-password"],
        "token refreshes": counts["auth-refresh"],
        "seconds": f"{seconds:.1f}",
        "jobs per second": f"{len(done) / seconds:.0f}",
    }
    print(*(f"{name:<24}{value}" for name, value in rows.items()), sep="\n")
    return lost == twice == 0


async def main(options: argparse.Namespace) -> bool:
    stop_on_sigterm()
    password = secrets.token_hex(16)
    async with (
        run_redis() as redis_url,
        open_redis(redis_url) as redis,
        LocalServer() as server,
        PocketBase(server.url) as pb,
    ):
        await pb.admins.auth.with_password(*server.superuser)
        await set_up(pb, password)
        environment = {"POCKETBASE_URL": server.url, "POCKETBASE_PASSWORD": password, "REDIS_URL": redis_url}
        names = [f"worker-{number + 1}" for number in range(options.workers)]
        begun = time.monotonic()
        async with (
            pb.collection("counters").events(COUNTER, fields="n") as events,
            Workers(names, environment) as workers,
            asyncio.TaskGroup() as group,
        ):
            chance = random.Random(options.seed)
            killing = group.create_task(kill_workers(workers, redis, options.kill_every, chance))
            await create_jobs(pb, options.records, options.seconds)
            killing.cancel()
            with contextlib.suppress(TimeoutError):  # then the summary says what is missing
                async with asyncio.timeout(120):
                    await wait_until_done(events, pb, redis, options.records)
            seconds = time.monotonic() - begun
        return await summarize(pb, redis, workers.failures, seconds)


parser = argparse.ArgumentParser(prog="python -m examples.fleet", description="Kill workers while they work.")
parser.add_argument("--records", type=int, default=2000, help="number of jobs")
parser.add_argument("--workers", type=int, default=4, help="number of processes")
parser.add_argument("--seconds", type=float, default=20, help="the time over which the jobs are created")
parser.add_argument("--kill-every", type=float, default=2, help="seconds from one kill to the next")
parser.add_argument("--seed", type=int, help="makes the choice of the killed workers repeatable")
if shutil.which("redis-server") is None:
    sys.exit("redis-server is not installed; on Debian: apt-get install redis-server")
try:
    if not asyncio.run(main(parser.parse_args())):
        sys.exit("jobs were lost or done twice")
except (asyncio.CancelledError, KeyboardInterrupt):
    sys.exit("stopped")
