"""A worker: it takes jobs from the stream and does each of them once, and it is ready to be the listener.

A job may be delivered more than once: the listener may add it again, and Redis delivers it to another worker if the
first one dies. So a worker does a job in one transaction of PocketBase, with a record in `results` whose field `job` is
unique: the first transaction wins, and the server refuses every other one as a whole.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from pocketbase_core import PocketBase, PocketBaseBatchError, PocketBaseError

from .listener import STREAM, Listener
from .session import COUNTS, open_client

GROUP = "workers"
COUNTER = "jobsdone0000000"
CHUNK = 100
"""Jobs at a time: two writes each in a batch, and one condition each in a filter, of at most 200."""
DEAD_AFTER = 3000
"""Milliseconds after which a job that was delivered and not acknowledged is delivered to somebody else."""

logger = logging.getLogger("fleet")


async def work(pb: PocketBase, redis: Redis, name: str) -> None:
    """Take jobs and do them, for ever."""
    while True:
        _, entries, *_ = await redis.xautoclaim(STREAM, GROUP, name, DEAD_AFTER, count=CHUNK)
        if not entries:
            streams: Any = await redis.xreadgroup(GROUP, name, {STREAM: ">"}, count=CHUNK, block=1000)
            entries = streams[0][1] if streams else []
        if not entries:
            continue
        numbers, jobs = [number for number, _ in entries], {fields["job"] for _, fields in entries}
        try:
            done = await do(pb, jobs, name)
        except PocketBaseError as error:
            # Perhaps the jobs were done and the response was lost. They are delivered again in any case.
            logger.warning("%s leaves %d jobs for later: %s", name, len(jobs), error)
            continue
        async with redis.pipeline(transaction=True) as pipe:
            pipe.xack(STREAM, GROUP, *numbers)
            pipe.xdel(STREAM, *numbers)
            pipe.hincrby(COUNTS, "duplicates", len(numbers) - done)
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
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with (
        Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as redis,
        open_client(redis) as pb,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Listener(pb, redis, f"{name}:{os.getpid()}").run())
        group.create_task(work(pb, redis, name))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(main(sys.argv[1]))
    except* (PocketBaseError, RedisError) as errors:
        sys.exit(f"{sys.argv[1]} ends: {errors.exceptions}")  # and is replaced
