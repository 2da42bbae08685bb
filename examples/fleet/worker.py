"""A worker: it takes jobs from the stream and does each of them once. It may also be elected as the listener.

A job may be delivered more than once: the listener may add it again, and Redis delivers it to another worker if the
first one dies. So a worker does a job in one transaction of PocketBase, with a record in `results` whose field `job` is
unique: the first transaction wins, and the server refuses every other one as a whole.
"""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from pocketbase_core import PocketBase, PocketBaseBatchError, PocketBaseError

from .listener import STREAM, Listener
from .processes import stop_on_sigterm
from .session import COUNTS, open_client, open_redis

GROUP = "workers"
COUNTER = "jobsdone0000000"
CHUNK = 100
"""Jobs at a time: two writes each in a batch, and one condition each in a filter, of at most 200."""
DEAD_AFTER = 3000
"""Milliseconds after which a job that was delivered and not acknowledged is delivered to somebody else."""

logger = logging.getLogger("fleet")


async def take(redis: Redis, name: str) -> list[tuple[str, dict[str, str]]]:
    """Return jobs that a dead worker has left, or else new ones: pairs of an entry's id and its fields."""
    claimed: Any = await redis.xautoclaim(STREAM, GROUP, name, DEAD_AFTER, count=CHUNK)
    if claimed[1]:
        return list(claimed[1])
    streams: Any = await redis.xreadgroup(GROUP, name, {STREAM: ">"}, count=CHUNK, block=1000)
    return list(streams[0][1]) if streams else []


async def work(pb: PocketBase, redis: Redis, name: str) -> None:
    """Take jobs and do them, forever."""
    while True:
        if not (entries := await take(redis, name)):
            continue
        jobs = {fields["job"] for _, fields in entries}
        try:
            done = await do(pb, jobs, name)
        except PocketBaseError as error:
            # Perhaps the jobs were done and the response was lost. They are delivered again in any case.
            logger.warning("%s leaves %d jobs for later: %s", name, len(jobs), error)
            await asyncio.sleep(1)
            continue
        ids = [entry_id for entry_id, _ in entries]
        async with redis.pipeline(transaction=True) as pipe:
            pipe.xack(STREAM, GROUP, *ids)
            pipe.xdel(STREAM, *ids)
            pipe.hincrby(COUNTS, "duplicates", len(ids) - done)
            await pipe.execute()


async def do(pb: PocketBase, jobs: set[str], name: str) -> int:
    """Do the jobs that nobody has done yet, all in one transaction, and return their number."""
    while missing := jobs - await find_done(pb, jobs):
        batch = pb.create_batch()
        for job in missing:
            batch.collection("results").create({"job": job, "worker": name}, fields="id")
            batch.collection("counters").update(COUNTER, {"n+": 1}, fields="id")  # the effect of the job
        try:
            await batch.send()
        except PocketBaseBatchError as error:
            if not is_done_already(error):
                raise
            continue  # by another worker, since they were read
        return len(missing)
    return 0


async def find_done(pb: PocketBase, jobs: set[str]) -> set[str]:
    """Return those of the jobs that are done."""
    either = " || ".join(pb.filter("job = {:job}", job=job) for job in jobs)
    page = await pb.collection("results").get_list(1, len(jobs), filter=either, fields="job", skip_total=True)
    return {result["job"] for result in page["items"]}


def is_done_already(error: PocketBaseBatchError) -> bool:
    """Return whether a batch was refused only because a job is done."""
    codes = [each.field_errors.get("job", {}).get("code") for each in error.errors.values()]
    return bool(codes) and all(code == "validation_not_unique" for code in codes)


async def main(name: str) -> None:
    stop_on_sigterm()
    async with (
        open_redis(os.environ["REDIS_URL"]) as redis,
        open_client(redis) as pb,
        asyncio.TaskGroup() as group,
    ):
        with contextlib.suppress(ResponseError):  # the group exists
            await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        group.create_task(Listener(pb, redis, f"{name}:{os.getpid()}").run())
        group.create_task(work(pb, redis, name))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    with contextlib.suppress(asyncio.CancelledError):
        try:
            asyncio.run(main(sys.argv[1]))
        except* RedisError as errors:
            logger.error("%s ends: %s", sys.argv[1], errors.exceptions[0])
