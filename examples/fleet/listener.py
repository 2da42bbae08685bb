"""The listener: it adds each new record of `jobs` to a stream in Redis. Any worker can become the listener.

The listener is elected by a lease in Redis, which it has to extend. If it is killed, the lease ends, and another worker
is elected. If it is paused, it finds that it has lost the lease, and stops. The lease only saves work: two listeners at
once would do no harm, because a job is done once however often the stream has it.

The cursor is a time. All records that were created more than `MARGIN` seconds before it are in the stream. This is true
even if several listeners move the cursor, for these reasons:

- A listener adds records in the order of their events, and moves the cursor in the same transaction.
- After its election, and after each gap, a listener adds all records that may be missing before it moves the cursor.
- The cursor only moves forward, so a listener that was paused cannot move it back.

The margin is needed because the server sets `created` before it commits. While a write waits for the database, records
that were created later may become visible. The margin is longer than such a wait.
"""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import RedisError

from pocketbase_core import Gap, PocketBase, PocketBaseError

from .session import COUNTS

STREAM, CURSOR, LEASE = "fleet:jobs", "fleet:cursor", "fleet:listener"
LEASE_SECONDS = 3.0
MARGIN = 15.0
"""Seconds that a write may wait for the database: `batch.timeout` of the server's settings, and some more."""

logger = logging.getLogger("fleet")


class Listener:
    """Adds new jobs to the stream while it holds the lease."""

    def __init__(self, pb: PocketBase, redis: Redis, name: str) -> None:
        self._pb = pb
        self._jobs = pb.collection("jobs")
        self._redis = redis
        self._name = name

    async def run(self) -> None:
        """Wait to be elected, and listen; then wait again."""
        lease = self._redis.lock(LEASE, timeout=LEASE_SECONDS)
        while True:
            await lease.acquire(token=self._name)
            await self._redis.hincrby(COUNTS, "elections")
            try:
                async with asyncio.TaskGroup() as group:  # the end of one task ends the other
                    group.create_task(self._extend(lease))
                    group.create_task(self._listen())
            except* (PocketBaseError, RedisError, TimeoutError) as errors:
                logger.warning("%s stops listening: %r", self._name, errors.exceptions)
            finally:
                with contextlib.suppress(RedisError):  # the lease may have ended
                    await lease.release()
            await asyncio.sleep(1)

    async def _extend(self, lease: Lock) -> None:
        """Extend the lease forever. Raise an error when it is lost, or when Redis does not answer in time."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            async with asyncio.timeout(LEASE_SECONDS / 3):
                await lease.reacquire()

    async def _listen(self) -> None:
        async with self._jobs.events(fields="id,created") as events:
            await self._add_missing()  # after the subscription, so that no record is created in between
            async for event in events:
                if isinstance(event, Gap):
                    await self._redis.hincrby(COUNTS, "gaps")
                    await self._add_missing()
                elif event["action"] == "create":
                    await self._add(event["record"])

    async def _add(self, record: dict[str, Any]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(STREAM, {"job": record["id"]})
            pipe.zadd(CURSOR, {"created": created(record)}, gt=True)
            await pipe.execute()

    async def _add_missing(self) -> None:
        """Add the records from the cursor on. They come in the order of their ids, so the cursor moves at the end.

        It moves to the newest record of the beginning: a record that is created meanwhile may be left out here, and
        has its event.
        """
        cursor = await self._redis.zscore(CURSOR, "created") or 0.0
        since = datetime.fromtimestamp(max(cursor - MARGIN, 0), UTC)
        newest = await self._jobs.get_list(1, 1, sort="-created", fields="created", skip_total=True)
        missing = self._jobs.iterate(filter=self._pb.filter("created >= {:since}", since=since), fields="id")
        async with self._redis.pipeline() as pipe:
            async for record in missing:
                pipe.xadd(STREAM, {"job": record["id"]})
                if len(pipe) >= 500:
                    await pipe.execute()
            for record in newest["items"]:
                pipe.zadd(CURSOR, {"created": created(record)}, gt=True)
            await pipe.execute()


def created(record: dict[str, Any]) -> float:
    """Return when a record was created, in seconds since the epoch."""
    return datetime.fromisoformat(record["created"]).timestamp()
