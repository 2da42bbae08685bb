"""The lock of processes that share the file of a `FileAuthStore`."""

import asyncio
import errno
import fcntl
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import pocketbase_core.auth.file as file_module
from pocketbase_core import AuthStore, FileAuthStore
from pocketbase_core.auth.file import try_acquire
from pocketbase_core.auth.store import exclusive, reload, replace_refreshed

REFRESH_REPEATEDLY = """
import asyncio, sys
from pocketbase_core import FileAuthStore
from pocketbase_core.auth.store import exclusive, replace_refreshed

async def main():
    store = FileAuthStore(sys.argv[1])
    for turn in range(30):
        async with exclusive(store):
            old = store.token
            await asyncio.sleep(0.001)
            replace_refreshed(store, old, str(int(old) + 1), {"id": "u1"})

asyncio.run(main())
"""
HOLD = """
import asyncio, sys
from pocketbase_core import FileAuthStore
from pocketbase_core.auth.store import exclusive

async def main():
    async with exclusive(FileAuthStore(sys.argv[1])):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "auth.json"


@asynccontextmanager
async def held_elsewhere(path: Path) -> AsyncGenerator[Process, None]:
    """Run a process that holds the lock of the file."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(path), stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def hold_once(store: AuthStore) -> None:
    async with exclusive(store):
        pass


async def test_of_processes_that_refresh_each_continues_with_the_token_of_the_one_before(path: Path) -> None:
    FileAuthStore(path).save("0")
    command = (sys.executable, "-c", REFRESH_REPEATEDLY, str(path))
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert FileAuthStore(path).token == "90"
    assert sorted(os.listdir(path.parent)) == [".auth.json.lock", "auth.json"]
    assert stat.S_IMODE(path.with_name(".auth.json.lock").stat().st_mode) == 0o600


async def test_stores_of_one_process_exclude_each_other(path: Path) -> None:
    FileAuthStore(path).save("0")

    async def refresh() -> None:
        store = FileAuthStore(path)
        async with exclusive(store):
            old = store.token
            await asyncio.sleep(0.001)
            replace_refreshed(store, old, str(int(old) + 1), {})

    await asyncio.gather(*(refresh() for _ in range(10)))
    assert FileAuthStore(path).token == "10"


async def test_the_lock_of_a_killed_process_is_free(path: Path) -> None:
    async with held_elsewhere(path) as process:
        waiting = asyncio.create_task(hold_once(FileAuthStore(path)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        process.send_signal(signal.SIGKILL)
        await asyncio.wait_for(waiting, 5)


async def test_the_lock_of_a_stopped_process_is_waited_for_only_for_a_time(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AuthStore, "_lock_timeout", 0.05)
    async with held_elsewhere(path) as process:
        process.send_signal(signal.SIGSTOP)
        await hold_once(FileAuthStore(path))
    assert "'.auth.json.lock' was not obtained within 0.05 s; going on without it" in caplog.text


async def test_what_another_process_has_written_is_taken_over(path: Path) -> None:
    store, other = FileAuthStore(path), FileAuthStore(path)
    other.save("a", {"id": "u1"})
    await reload(store)
    assert (store.token, store.record) == ("a", {"id": "u1"})
    other.clear()
    async with exclusive(store):
        assert (store.token, store.record) == ("", None)


async def test_a_refresh_that_is_cancelled_releases_the_lock(path: Path) -> None:
    async def hold_for_ever() -> None:
        async with exclusive(FileAuthStore(path)):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hold_for_ever()) for _ in range(2)]
    await asyncio.sleep(0.02)
    before = len(os.listdir("/dev/fd"))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert len(os.listdir("/dev/fd")) == before - 1
    async with asyncio.timeout(1):
        await hold_once(FileAuthStore(path))


async def test_a_copy_of_the_descriptor_in_a_forked_child_does_not_keep_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []

    def acquire_and_fork(lock: Path) -> int | None:
        descriptor = try_acquire(lock)
        copies.extend([os.dup(descriptor)] if descriptor is not None else [])
        return descriptor

    monkeypatch.setattr("pocketbase_core.auth.file_lock.try_acquire", acquire_and_fork)
    async with asyncio.timeout(1):
        await hold_once(FileAuthStore(path))
        await hold_once(FileAuthStore(path))
    for copy in copies:
        os.close(copy)


def make_link(lock: Path) -> None:
    (lock.parent / "valuable").write_text("mine")
    lock.symlink_to(lock.parent / "valuable")


def make_folder(lock: Path) -> None:
    lock.mkdir()


def make_fifo(lock: Path) -> None:
    os.mkfifo(lock)


@pytest.mark.parametrize("make", [make_link, make_folder, make_fifo])
async def test_a_lock_that_cannot_be_used_is_done_without(
    make: Callable[[Path], None], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(path.with_name(".auth.json.lock"))
    before = len(os.listdir("/dev/fd"))
    await hold_once(FileAuthStore(path))
    assert caplog.text.count("the lock '.auth.json.lock' cannot be used; going on without it") == 1
    assert len(os.listdir("/dev/fd")) == before
    if make is make_link:
        assert (path.parent / "valuable").read_text() == "mine"


async def test_a_folder_that_cannot_be_written_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await hold_once(FileAuthStore(tmp_path / "none" / "auth.json"))
    assert "going on without it: No such file or directory" in caplog.text


async def test_a_file_system_without_locks_is_done_without(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    store = FileAuthStore(path)
    async with exclusive(store), exclusive(FileAuthStore(path)):
        store.save("t")
    assert FileAuthStore(path).token == "t"


async def test_without_fcntl_the_lock_is_held_as_long_as_its_file_is_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: a file that is open cannot be removed."""
    monkeypatch.setattr(file_module, "_fcntl", None)
    unlink = os.unlink

    def refuse(name: Any) -> None:
        raise PermissionError(errno.EACCES, "the file is in use")

    async with exclusive(FileAuthStore(path)):
        monkeypatch.setattr(os, "unlink", refuse)
        waiting = asyncio.create_task(hold_once(FileAuthStore(path)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    monkeypatch.setattr(os, "unlink", unlink)
    await asyncio.wait_for(waiting, 5)
