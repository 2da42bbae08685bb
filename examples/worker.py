"""Do the jobs of a collection, for weeks: the server may restart, and any number of workers may run.

python examples/worker.py                            shows a worker on a throw-away server that starts after the worker
python examples/worker.py http://127.0.0.1:8090 --email admin@example.com --password …

The second form does the jobs until SIGTERM or Ctrl+C. It needs a server that `prepare` has prepared.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pocketbase_core import (
    Batch,
    PasswordCredentials,
    PocketBase,
    PocketBaseBatchError,
    PocketBaseError,
    PocketBaseRateLimitError,
    PocketBaseServerError,
    PocketBaseTransportError,
    PocketBaseUnauthorizedError,
)
from pocketbase_core.testing import LocalServer

T = TypeVar("T")
LIMIT, LEASE, GRACE = 60, 90, 5
"""Seconds for a job, for which a claim holds, and for the job in hand when the worker has to stop."""
OPEN = "done = false && attempts < 5 && (claims_via_job.until = '' || claims_via_job.until < {:now})"
"""The jobs that are not done and that no worker has."""
TEMPORARY = PocketBaseTransportError, PocketBaseServerError, PocketBaseRateLimitError, PocketBaseUnauthorizedError
"""Errors that may be over when the call is repeated. Any other error ends the worker."""
log = logging.getLogger("worker")


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call while the server is away, after random pauses that grow to 30 seconds."""
    pause = 1.0
    while True:
        try:
            return await call()
        except TEMPORARY as error:
            log.warning("%s; the next attempt is in %.1f s", error, pause)
        await asyncio.sleep(pause)
        pause = min(30.0, pause * random.uniform(1.5, 2.5))


async def is_sent(batch: Batch) -> bool:
    """Send a batch. Return False if another worker has the job, or if the job was deleted."""
    try:
        await batch.send()
    except PocketBaseBatchError as error:
        if any(each.status == 404 or "job" in each.field_errors for each in error.errors.values()):
            return False  # the claim is gone, or the code for "job" is "validation_not_unique"
        raise
    return True


async def claim(pb: PocketBase, job: dict[str, Any]) -> str | None:
    """Return the id of a new claim to a job; None if another worker has it."""
    batch, now = pb.create_batch(), datetime.now(UTC)
    if other := job.get("expand", {}).get("claims_via_job"):
        if datetime.fromisoformat(other["until"]) >= now:
            return None  # the server reads the relation after the list
        batch.collection("claims").delete(other["id"])
    mine = batch.collection("claims").create({"job": job["id"], "until": now + timedelta(seconds=LEASE)})
    begun = batch.collection("jobs").update(job["id"], {"attempts+": 1})
    return mine.body["id"] if await is_sent(batch) and not begun.body["done"] else None


async def finish(pb: PocketBase, job: dict[str, Any], claim_id: str) -> None:
    """Mark a job as done, unless another worker has taken it over."""
    batch = pb.create_batch()
    batch.collection("claims").update(claim_id, {})
    batch.collection("jobs").update(job["id"], {"done": True})
    if not await is_sent(batch):
        log.warning("job %s took too long, and another worker has it now", job["id"])


async def attempt(pb: PocketBase, job: dict[str, Any], do: Callable[[dict[str, Any]], Awaitable[None]]) -> bool:
    """Do a job, unless another worker has it. Return whether this worker had it."""
    claim_id = await persist(lambda: claim(pb, job))
    if claim_id is None:
        return False
    try:
        async with asyncio.timeout(LIMIT):
            await do(job)
    except Exception:
        log.exception("job %s failed", job["id"])  # it is begun again when the claim has expired
    else:
        await persist(lambda: finish(pb, job, claim_id))
    return True


async def work(pb: PocketBase, do: Callable[[dict[str, Any]], Awaitable[None]], in_hand: asyncio.Lock) -> None:
    """Do open jobs for ever. Hold the lock from the claim of a job until it is marked as done."""
    jobs, changed = pb.collection("jobs"), asyncio.Event()

    def change(_: object) -> None:
        changed.set()

    async def open_jobs() -> list[dict[str, Any]]:
        wanted = pb.filter(OPEN, now=datetime.now(UTC))
        page = await jobs.get_list(1, 20, filter=wanted, sort="created", expand="claims_via_job", skip_total=True)
        return page["items"]

    await persist(lambda: jobs.subscribe_all(change, on_gap=change, filter="attempts = 0"))
    while True:
        changed.clear()
        found, had = await persist(open_jobs), False
        for job in found:
            async with in_hand:
                had |= await attempt(pb, job, do)
        if not had:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 1 if found else LEASE)


async def run(pb: PocketBase, do: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Work until SIGTERM or Ctrl+C, then wait for the job in hand."""
    loop, stop, in_hand = asyncio.get_running_loop(), asyncio.Event(), asyncio.Lock()

    def on_signal(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)  # unlike `loop.add_signal_handler`, this works on Windows too
    worker = asyncio.create_task(work(pb, do, in_hand))
    worker.add_done_callback(lambda _: stop.set())  # it has failed
    await stop.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(in_hand.acquire(), GRACE)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def prepare(pb: PocketBase) -> None:
    """Create the collections of the worker, and enable batches."""
    await pb.settings.update({"batch": {"enabled": True, "maxRequests": 50}})
    fields = [
        {"name": "task", "type": "text"},
        {"name": "done", "type": "bool"},
        {"name": "attempts", "type": "number"},
        {"name": "created", "type": "autodate", "onCreate": True},
    ]
    jobs = await pb.collections.create({"name": "jobs", "type": "base", "fields": fields})
    job = {"name": "job", "type": "relation", "collectionId": jobs["id"], "required": True, "cascadeDelete": True}
    await pb.collections.create(
        {
            "name": "claims",
            "type": "base",
            "fields": [job, {"name": "until", "type": "date"}],
            "indexes": ["CREATE UNIQUE INDEX idx_claims_job ON claims (job)"],
        }
    )


async def show() -> None:
    """Show a worker that starts before its server, and whose server restarts during a job."""
    done, restarted = list[str](), asyncio.Event()

    async def do(job: dict[str, Any]) -> None:
        done.append(job["task"])
        if len(done) == 10:
            print("The server restarts during job 10")
            await server.restart()
            restarted.set()
        if len(done) == 20:
            print("SIGTERM during job 20")
            signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0.05)

    async with LocalServer() as server:
        credentials = PasswordCredentials("_superusers", *server.superuser)
        async with PocketBase(server.url, credentials=credentials) as boss:
            await prepare(boss)
            server.kill()
            print("The worker starts; the server is down")
            async with PocketBase(server.url, credentials=credentials) as pb, asyncio.TaskGroup() as group:
                worker = group.create_task(run(pb, do))
                await asyncio.sleep(1.2)
                await server.restart()
                print("The server is up; 20 jobs are created")
                for number in range(1, 21):
                    await boss.collection("jobs").create({"task": f"task {number}"})
                    if number == 10:
                        await restarted.wait()
                await worker
            jobs = await boss.collection("jobs").get_full_list()
            once = [job for job in jobs if job["done"] and job["attempts"] == 1 and done.count(job["task"]) == 1]
            print(f"The worker has stopped: {len(once)} of {len(jobs)} jobs were done, each of them once")


async def main(url: str | None, email: str, password: str) -> None:
    async def do(job: dict[str, Any]) -> None:
        print(job["task"])

    if url is None:
        await show()
        return
    credentials = PasswordCredentials("_superusers", email, password)
    async with PocketBase(url, credentials=credentials) as pb:
        await run(pb, do)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Do the jobs of a collection.")
    parser.add_argument("url", nargs="?", help="a running server (default: start a throw-away one)")
    parser.add_argument("--email", default="admin@example.com", help="the server's superuser")
    parser.add_argument("--password", default="")
    arguments = parser.parse_args()
    logging.basicConfig(format="   log: %(message)s", stream=sys.stdout)
    try:
        asyncio.run(main(arguments.url, arguments.email, arguments.password))
    except PocketBaseError as error:
        sys.exit(str(error))
