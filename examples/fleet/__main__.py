"""Kill workers while they work, and count what was done. Needs `redis-server`.

python -m examples.fleet
python -m examples.fleet --records 20000 --workers 4 --seconds 60 --kill-every 2 --seed 1
"""

import argparse
import asyncio
import random
import secrets
import signal
import sys
import time
from typing import Any

from redis.asyncio import Redis

from pocketbase_core import Gap, PocketBase
from pocketbase_core.testing import LocalServer

from .listener import LEASE, STREAM
from .processes import Workers, run_redis
from .session import COUNTS
from .worker import COUNTER, GROUP

BATCH = 200
TOKEN_SECONDS = 10
"""So short that the session is renewed all the time."""
WORKER = "@request.auth.collectionName = 'workers'"


async def set_up(pb: PocketBase, redis: Redis, password: str) -> None:
    """Create the collections, the user of the workers, and the consumer group."""
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": BATCH, "timeout": 10}})
    created = {"name": "created", "type": "autodate", "onCreate": True}
    collections: list[dict[str, Any]] = [
        {"name": "workers", "type": "auth", "authToken": {"duration": TOKEN_SECONDS}},
        {
            "name": "jobs",
            "listRule": WORKER,
            "viewRule": WORKER,
            "fields": [{"name": "number", "type": "number"}, created],
            "indexes": ["CREATE INDEX jobs_created ON jobs (created)"],
        },
        {
            "name": "results",
            "listRule": WORKER,
            "createRule": WORKER,
            "fields": [{"name": "job", "type": "text", "required": True}, {"name": "worker", "type": "text"}],
            "indexes": ["CREATE UNIQUE INDEX results_job ON results (job)"],
        },
        {"name": "counters", "updateRule": WORKER, "fields": [{"name": "n", "type": "number"}]},
    ]
    for collection in collections:
        await pb.collections.create({"type": "base", **collection})
    await pb.collection("workers").create({"email": "workers@example.com", "password": password})
    await pb.collection("counters").create({"id": COUNTER, "n": 0})
    await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)


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
        name = chance.choice(sorted(workers.running))
        process = workers.running[name]
        is_listener = await redis.get(LEASE) == f"{name}:{process.pid}"
        process.kill()
        await redis.hincrby(COUNTS, "kills")
        await redis.hincrby(COUNTS, "kills of the listener", int(is_listener))
        print(f"killed {name}{', the listener' if is_listener else ''}", flush=True)


async def wait_until_done(pb: PocketBase, redis: Redis, records: int, ready: asyncio.Event) -> None:
    """Wait until each job has a result, and until nothing is left that could be delivered again."""
    async with pb.collection("counters").events(COUNTER, fields="n") as events:
        ready.set()
        async for event in events:
            if isinstance(event, Gap) or event["record"]["n"] >= records:
                if (await pb.collection("results").get_list(1, 1, fields="id"))["totalItems"] >= records:
                    break
    while await redis.xlen(STREAM):
        await asyncio.sleep(0.05)


async def summarize(pb: PocketBase, redis: Redis, seconds: float) -> bool:
    """Print what was done. Return whether each job was done once."""
    jobs = {job["id"] for job in await pb.collection("jobs").get_full_list(fields="id")}
    results = [result["job"] for result in await pb.collection("results").get_full_list(fields="job")]
    effects = int((await pb.collection("counters").get_one(COUNTER))["n"])
    lost, twice = len(jobs - {*results}), effects - len({*results})
    counts = await redis.hgetall(COUNTS)
    rows = {
        "records created": len(jobs),
        "jobs done": len(results),
        "lost": lost,
        "done twice": twice,
        "duplicate deliveries": counts.get("duplicates", 0),
        "kills": f"{counts.get('kills', 0)}, of the listener: {counts.get('kills of the listener', 0)}",
        "elections": counts.get("elections", 0),
        "gaps": counts.get("gaps", 0),
        "sign-ins": counts.get("auth-with-password", 0),
        "token refreshes": counts.get("auth-refresh", 0),
        "seconds": f"{seconds:.1f}",
        "jobs per second": f"{len(results) / seconds:.0f}",
    }
    print(*(f"{name:<22}{value}" for name, value in rows.items()), sep="\n")
    return lost == twice == 0 and len(results) == len({*results})


async def main(options: argparse.Namespace) -> bool:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    password, begun = secrets.token_hex(16), time.monotonic()
    async with (
        run_redis() as redis_url,
        Redis.from_url(redis_url, decode_responses=True) as redis,
        LocalServer() as server,
        PocketBase(server.url) as pb,
    ):
        await pb.admins.auth.with_password(*server.superuser)
        await set_up(pb, redis, password)
        environment = {"POCKETBASE_URL": server.url, "POCKETBASE_PASSWORD": password, "REDIS_URL": redis_url}
        names = [f"worker-{number + 1}" for number in range(options.workers)]
        ready = asyncio.Event()
        waiting = asyncio.ensure_future(wait_until_done(pb, redis, options.records, ready))
        await ready.wait()
        begun = time.monotonic()
        async with Workers(names, environment) as workers:
            killing = asyncio.ensure_future(
                kill_workers(workers, redis, options.kill_every, random.Random(options.seed))
            )
            await create_jobs(pb, options.records, options.seconds)
            killing.cancel()
            await asyncio.wait([waiting], timeout=120)
            seconds = time.monotonic() - begun
        print(f"worker failures       {workers.failures}")
        return await summarize(pb, redis, seconds) and waiting.done()


parser = argparse.ArgumentParser(prog="python -m examples.fleet", description="Kill workers while they work.")
parser.add_argument("--records", type=int, default=2000, help="number of jobs")
parser.add_argument("--workers", type=int, default=4, help="number of processes")
parser.add_argument("--seconds", type=float, default=20, help="the time over which the jobs are created")
parser.add_argument("--kill-every", type=float, default=2, help="seconds from one kill to the next")
parser.add_argument("--seed", type=int, help="makes the choice of the killed workers repeatable")
if not asyncio.run(main(parser.parse_args())):
    sys.exit("jobs were lost, or done twice")
