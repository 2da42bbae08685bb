"""The worker does each job once, whatever happens to the server, to other workers and to itself."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from examples import worker
from pocketbase_core import PasswordCredentials, PocketBase, Request, Response
from pocketbase_core.middleware import Handler
from pocketbase_core.testing import LocalServer

from .test_manuals import blocks

EXAMPLE = Path(worker.__file__)


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer() as server, PocketBase(server.url, credentials=superuser(server)) as pb:
        await worker.prepare(pb)
        yield server


@pytest_asyncio.fixture
async def pb(server: LocalServer) -> AsyncGenerator[PocketBase, None]:
    async with PocketBase(server.url, credentials=superuser(server)) as pb:
        yield pb


def superuser(server: LocalServer) -> PasswordCredentials:
    return PasswordCredentials("_superusers", *server.superuser)


async def expire(pb: PocketBase, claim: str | None) -> None:
    """Let a claim expire, as that of a worker that has died."""
    assert claim is not None
    await pb.collection("claims").update(claim, {"until": datetime.now(UTC) - timedelta(seconds=1)})


async def read(pb: PocketBase, job: dict[str, Any]) -> dict[str, Any]:
    return await pb.collection("jobs").get_one(job["id"], expand="claims_via_job")


async def nothing(job: dict[str, Any]) -> None:
    """Do a job that needs nothing."""


async def test_the_example_starts_before_its_server_and_does_each_job_once(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Connection refused" in done.stdout.partition("The server is up")[0]
    assert "The worker has stopped: 20 of 20 jobs were done, each of them once\n" in done.stdout
    assert not [*tmp_path.iterdir()], "the example left files"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_example_without_an_error(number: int, server: LocalServer, pb: PocketBase) -> None:
    email, password = server.superuser
    command = [sys.executable, "-u", "-W", "error", str(EXAMPLE), server.url, "--email", email, "--password", password]
    await pb.collection("jobs").create({"task": "the only one"})
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"the only one\n"
        process.send_signal(number)
        assert await process.communicate() == (b"", b"")
    assert process.returncode == 0
    assert (await pb.collection("jobs").get_first())["done"], "the job in hand was completed"


async def test_a_job_that_goes_on_after_a_signal_is_cancelled_soon(
    pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = list[str]()

    async def do(job: dict[str, Any]) -> None:
        signal.raise_signal(signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(job["task"])

    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(worker, "GRACE", 0.05)
    job = await pb.collection("jobs").create({"task": "a"})
    try:
        async with asyncio.timeout(10):
            await worker.run(pb, do)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    assert ended == ["a"]
    job = await read(pb, job)
    assert not job["done"]
    assert job["expand"]["claims_via_job"], "another worker may begin the job when this claim has expired"


async def test_a_signal_ends_a_worker_that_waits_for_its_server(server: LocalServer) -> None:
    server.kill()
    command = [sys.executable, "-u", "-W", "error", str(EXAMPLE), server.url, "--password", "any"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        await process.stdout.readuntil(b"the next attempt is in")
        process.terminate()
        assert (await process.communicate())[1] == b""
    assert process.returncode == 0


async def test_a_wrong_password_ends_the_example(server: LocalServer) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLE), server.url, "--password", "wrong"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("400 Failed to authenticate.")
    assert "Traceback" not in done.stderr


async def test_only_one_worker_gets_a_job(pb: PocketBase) -> None:
    job = await pb.collection("jobs").create({"task": "a"})
    claims = await asyncio.gather(*(worker.claim(pb, job) for _ in range(10)))
    assert len([claim for claim in claims if claim is not None]) == 1


async def test_only_one_worker_takes_over_an_expired_claim_and_the_former_one_finishes_nothing(pb: PocketBase) -> None:
    job = await pb.collection("jobs").create({"task": "a"})
    former = await worker.claim(pb, job)
    await expire(pb, former)
    expired = await read(pb, job)
    claims = await asyncio.gather(*(worker.claim(pb, expired) for _ in range(10)))
    (taken_over,) = (claim for claim in claims if claim is not None)
    assert former is not None
    await worker.finish(pb, job, former)
    assert not (await read(pb, job))["done"]
    for _ in range(2):  # a response may be lost
        await worker.finish(pb, job, taken_over)
    assert (await read(pb, job))["done"]


async def test_a_claim_that_was_made_while_the_list_was_read_is_not_taken_over(pb: PocketBase) -> None:
    job = await pb.collection("jobs").create({"task": "a"})
    first = await worker.claim(pb, job)
    assert first is not None
    assert await worker.claim(pb, await read(pb, job)) is None
    await worker.finish(pb, job, first)
    assert (await read(pb, job))["done"]


async def test_a_job_that_was_done_or_deleted_since_it_was_read_is_not_begun(pb: PocketBase) -> None:
    jobs = pb.collection("jobs")
    job = await jobs.create({"task": "a"})
    claim = await worker.claim(pb, job)
    await expire(pb, claim)
    expired = await read(pb, job)
    assert claim is not None
    await worker.finish(pb, job, claim)
    for former in (job, expired):
        assert not await worker.attempt(pb, former, nothing)
    deleted = await jobs.create({"task": "b"})
    await jobs.delete(deleted["id"])
    assert not await worker.attempt(pb, deleted, nothing)


async def test_another_error_of_a_claim_is_not_taken_for_another_worker(pb: PocketBase) -> None:
    await pb.settings.update({"batch": {"enabled": False, "maxRequests": 50}})
    job = await pb.collection("jobs").create({"task": "a"})
    with pytest.raises(Exception, match="403"):
        await worker.attempt(pb, job, nothing)


@pytest.mark.slow
async def test_ten_workers_do_all_jobs_once_though_some_fail_and_claims_expire(
    server: LocalServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[str]()

    async def do(job: dict[str, Any]) -> None:
        begun.append(job["task"])
        if begun.count(job["task"]) == 1 and job["task"].endswith("5"):
            raise RuntimeError("a job that fails at first")
        await asyncio.sleep(0.01)

    monkeypatch.setattr(worker, "LEASE", 3)
    jobs = pb.collection("jobs")
    for number in range(30):
        await jobs.create({"task": str(number)})
    workers = [asyncio.create_task(worker.work(pb, do, asyncio.Lock())) for _ in range(10)]
    async with asyncio.timeout(60):
        while len(await jobs.get_full_list(filter="done = true")) < 30:
            await asyncio.sleep(0.1)
    for each in workers:
        each.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert sorted(begun) == sorted([*map(str, range(30)), "5", "15", "25"])


async def test_a_job_that_is_created_between_the_subscription_and_the_read_is_found(server: LocalServer) -> None:
    created, found = False, asyncio.Event()

    async def between(request: Request, call_next: Handler) -> Response:
        nonlocal created
        response = await call_next(request)
        if request.url.endswith("/jobs/records") and request.method == "GET" and not created:
            created = True
            await client.collection("jobs").create({"task": "after the list was read"})
        return response

    async def do(job: dict[str, Any]) -> None:
        found.set()

    async with PocketBase(server.url, credentials=superuser(server), middleware=[between]) as client:
        working = asyncio.create_task(worker.work(client, do, asyncio.Lock()))
        async with asyncio.timeout(10):
            await found.wait()
        working.cancel()
        await asyncio.wait([working])


def test_the_page_prints_the_functions_of_the_example() -> None:
    (code,) = (block.code for block in blocks("howto/worker.md") if "async def persist" in block.code)
    example = re.sub(r'^ *""".*"""\n', "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    functions = code[code.index("async def persist") :]
    assert functions in example
    assert len([line for line in functions.splitlines() if line]) <= 62
