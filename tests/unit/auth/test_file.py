"""A `FileAuthStore` whose file is hostile, cannot be used, or is shared with other processes."""

import errno
import fcntl
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pocketbase_core.auth.file as file_module
from pocketbase_core import FileAuthStore, PocketBase, Request, Response
from pocketbase_core.auth.file import PrivateFile
from pocketbase_core.auth.store import reload_shared, replace_refreshed
from pocketbase_transports import MockTransport

from ...helpers.tokens import token

RECORD = {"id": "u1", "collectionId": "c1", "collectionName": "users"}


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


Change = Callable[[PocketBase], Awaitable[object]]
FOLLOWED: dict[str, Change] = {
    "update": lambda pb: pb.collection("users").update("u1", {"name": "new"}),
    "new password": lambda pb: pb.collection("users").update("u1", {"password": "new"}),
    "verification": lambda pb: pb.collection("users").auth.confirm_verification(token(30)),
    "password reset": lambda pb: pb.collection("users").auth.confirm_password_reset(token(30), "new"),
    "delete": lambda pb: pb.collection("users").delete("u1"),
    "truncate": lambda pb: pb.collections.truncate("users"),
}

CHANGES: dict[str, dict[str, Any]] = {"update": {"name": "new"}, "verification": {"verified": True}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "auth.json"


@contextmanager
def locked_elsewhere(path: Path) -> Generator[int, None, None]:
    """Hold the lock of the draft, as another process would."""
    descriptor = os.open(path.with_name(f".{path.name}.tmp"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class FakeServer:
    """A server that calls `meanwhile` before it refreshes a token, and records the tokens of other requests."""

    def __init__(self, store: FileAuthStore, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.pb = PocketBase("http://h", transport=MockTransport(self.respond), auth_store=store, middleware=[])
        self.meanwhile = meanwhile
        self.refreshes = 0
        self.sent: list[str] = []

    def respond(self, request: Request) -> Response:
        if not request.url.endswith(("auth-refresh", "auth-with-password")):
            self.sent.append(request.headers.get("Authorization", ""))
            return Response(200, json=dict(request.body or {}))
        self.refreshes += 1
        self.meanwhile()
        return Response(200, json={"token": token(3600, f"new {self.refreshes}"), "record": RECORD})


async def test_a_store_that_cannot_be_written_refreshes_once_and_fails_no_request(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileAuthStore(path)
    store.save(old := token(30), RECORD)
    monkeypatch.setattr(os, "replace", full)
    server = FakeServer(store)
    for _ in range(5):
        await server.pb.health.check()
    assert server.refreshes == 1
    assert server.sent == [store.token] * 5
    assert store.token == token_in(server, 1)
    assert caplog.text.count("could not write a change") == 1, "only the refresh changes the store"
    assert old in path.read_text()
    monkeypatch.undo()
    store.save(store.token, RECORD)
    assert FileAuthStore(path).token == store.token


def token_in(server: FakeServer, number: int) -> str:
    return server.sent[number - 1]


@pytest.mark.parametrize("name", ["update", "new password", "verification", "delete"])
async def test_a_change_of_the_signed_in_record_on_a_full_disk_is_in_memory_and_logged(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(store := FileAuthStore(path))
    store.save(mine := token(3600), RECORD)
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(PrivateFile, "remove", full)
    await FOLLOWED[name](server.pb)
    assert store.token == (mine if name in CHANGES else "")
    assert store.record == ({**RECORD, **CHANGES[name]} if name in CHANGES else None)
    assert caplog.text.count("in memory only") == 1


async def test_a_sign_in_on_a_full_disk_is_in_memory_and_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(store := FileAuthStore(path))
    notified: list[str] = []
    store.on_change(lambda token, record: notified.append(token))
    monkeypatch.setattr(os, "replace", full)
    result = await server.pb.collection("users").auth.with_password("a", "b")
    assert notified == [store.token] == [result["token"]]
    (line,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "in memory only" in line.getMessage()
    assert [*path.parent.iterdir()] == [], "the draft was left behind"


@pytest.mark.parametrize("change", ["save", "clear"])
def test_save_and_clear_change_memory_and_raise_when_they_cannot_write(
    change: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileAuthStore(path)
    store.save("before")
    notified: list[str] = []
    store.on_change(lambda token, record: notified.append(token))
    for name in ("replace", "unlink", "open"):
        monkeypatch.setattr(os, name, full)
    with pytest.raises(OSError, match="No space left"):
        store.save("after") if change == "save" else store.clear()
    assert notified == [store.token] == ["after" if change == "save" else ""]


def test_a_sign_out_empties_a_file_that_cannot_be_removed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileAuthStore(path)
    store.save("secret", RECORD)
    unlink = os.unlink

    def keep(name: Any) -> None:
        assert store.token == "", "the token is removed from memory first"
        if name == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(name)

    monkeypatch.setattr(os, "unlink", keep)
    store.clear()
    assert path.read_bytes() == b""
    assert FileAuthStore(path).token == ""


def test_a_sign_out_succeeds_without_the_lock_after_the_timeout(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "LOCK_TIMEOUT", 0.01)
    store = FileAuthStore(path)
    store.save("secret")
    with locked_elsewhere(path):
        store.clear()
        assert not path.exists(), "a sign-out needs no lock"
        with pytest.raises(BlockingIOError, match="another process"):
            store.save("next")
    assert store.token == "next"


def test_a_record_without_a_json_form_changes_nothing(path: Path) -> None:
    store = FileAuthStore(path)
    store.save("before")
    with pytest.raises(TypeError):
        store.save("after", {"when": object()})
    assert store.token == FileAuthStore(path).token == "before"


def make_folder(path: Path) -> None:
    path.mkdir()


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_writable(path: Path) -> None:
    path.write_text(json.dumps({"token": "planted", "record": None}))
    path.chmod(0o666)


def make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 16 * 1024 * 1024 + 1)


@pytest.mark.parametrize("make", [make_folder, make_loop, make_fifo, make_writable, make_huge])
def test_anything_but_a_trusted_regular_file_is_an_empty_store(
    make: Callable[[Path], None], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(path)
    store = FileAuthStore(path)
    assert (store.token, store.record) == ("", None)
    assert "counts as empty" in caplog.text
    if path.is_dir():
        with pytest.raises(IsADirectoryError):
            store.save("t")
        with pytest.raises(OSError, match="directory"):
            store.clear()
    else:
        store.save("t")
        assert FileAuthStore(path).token == "t"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store.token in ("t", "")


def test_the_file_of_another_user_is_an_empty_store(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    FileAuthStore(path).save("planted")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert FileAuthStore(path).token == ""
    assert "belongs to another user" in caplog.text


def test_save_raises_without_the_folder_and_clear_does_not(tmp_path: Path) -> None:
    store = FileAuthStore(tmp_path / "none" / "auth.json")
    with pytest.raises(FileNotFoundError):
        store.save("t")
    store.clear()
    (tmp_path / "file").touch()
    FileAuthStore(tmp_path / "file" / "auth.json").clear()


def test_a_relative_path_does_not_follow_a_change_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    store = FileAuthStore("auth.json")
    monkeypatch.chdir(tmp_path)
    store.save("t")
    assert [each.name for each in tmp_path.rglob("*.json")] == ["auth.json"]
    assert FileAuthStore(tmp_path / "a" / "auth.json").token == "t"


def make_link(draft: Path) -> None:
    draft.symlink_to(draft.parent / "valuable")


def make_hard_link(draft: Path) -> None:
    os.link(draft.parent / "valuable", draft)


def make_left_behind(draft: Path) -> None:
    draft.write_text("secret")


def make_draft_writable(draft: Path) -> None:
    draft.write_text("secret" * 100)
    draft.chmod(0o666)


DRAFTS = [make_link, make_hard_link, make_left_behind, make_draft_writable]


@pytest.mark.parametrize("make", DRAFTS)
def test_an_existing_draft_is_never_written_through(make: Callable[[Path], None], path: Path) -> None:
    store = FileAuthStore(path)
    (path.parent / "valuable").write_text("mine")
    make(path.with_name(".auth.json.tmp"))
    store.save("t")
    assert (path.parent / "valuable").read_text() == "mine"
    assert json.loads(path.read_text())["token"] == "t"
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert sorted(os.listdir(path.parent)) == ["auth.json", "valuable"]


def test_the_draft_of_another_user_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = path.with_name(".auth.json.tmp")
    draft.write_text("another user's")
    taken = draft.stat()
    fstat = os.fstat

    def fstat_of_another(descriptor: int) -> os.stat_result:
        state = fstat(descriptor)
        if not os.path.samestat(state, taken):
            return state
        return os.stat_result((*state[:4], state.st_uid + 1, *state[5:10]))

    store = FileAuthStore(path.with_name("other.json"))
    monkeypatch.setattr(store, "_file", PrivateFile(path))
    monkeypatch.setattr(os, "fstat", fstat_of_another)
    with open(draft, "rb") as before:  # so that its inode is not taken again
        store.save("t")
        assert before.read() == b"another user's"
    assert json.loads(path.read_text())["token"] == "t"


def test_the_draft_of_a_killed_process_is_removed_by_the_next_store(path: Path) -> None:
    program = """
import os, signal, sys
from pocketbase_core import FileAuthStore
store = FileAuthStore(sys.argv[1])
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store.save("secret")
"""
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert "secret" in path.with_name(".auth.json.tmp").read_text()
    FileAuthStore(path)
    assert [*path.parent.iterdir()] == []


async def test_a_sign_out_in_another_process_is_not_undone_by_a_refresh(path: Path) -> None:
    other = FileAuthStore(path)
    other.save(old := token(30), RECORD)
    server = FakeServer(FileAuthStore(path), other.clear)
    notified: list[str] = []
    server.pb.auth_store.on_change(lambda token, record: notified.append(token))
    await server.pb.health.check()
    assert server.refreshes == 1
    assert not path.exists()
    assert server.pb.auth_store.token == ""
    assert notified == [""], "callbacks get the sign-out of the other process, and no refreshed token"
    assert server.sent == [old], "the call began before the sign-out"
    await server.pb.health.check()
    assert server.sent[1] == ""


async def test_a_sign_in_in_another_process_is_not_undone_by_a_refresh(path: Path) -> None:
    other, theirs = FileAuthStore(path), token(3600, "theirs", id="u2")
    other.save(token(30), RECORD)
    server = FakeServer(FileAuthStore(path), lambda: other.save(theirs, {"id": "u2"}))
    await server.pb.health.check()
    assert FileAuthStore(path).token == theirs
    assert server.pb.auth_store.token == theirs
    assert server.pb.auth_store.record == {"id": "u2"}


@pytest.mark.parametrize("name", FOLLOWED)
@pytest.mark.parametrize("theirs", [token(3600, "theirs", id="u2"), ""])
async def test_a_change_of_the_signed_in_record_does_not_undo_a_change_by_another_process(
    name: str, theirs: str, path: Path
) -> None:
    other = FileAuthStore(path)
    other.save(token(3600), RECORD)
    server = FakeServer(FileAuthStore(path))
    if theirs:
        other.save(theirs, {"id": "u2"})
    else:
        other.clear()
    await FOLLOWED[name](server.pb)
    assert FileAuthStore(path).token == theirs
    assert server.pb.auth_store.token == theirs


@pytest.mark.parametrize("name", FOLLOWED)
async def test_a_change_of_the_signed_in_record_keeps_a_refresh_by_another_process(name: str, path: Path) -> None:
    other = FileAuthStore(path)
    other.save(token(3600), RECORD)
    server = FakeServer(FileAuthStore(path))
    other.save(newer := token(3600, "newer"), RECORD)
    await FOLLOWED[name](server.pb)
    again = FileAuthStore(path)
    assert (again.token, again.record) == (server.pb.auth_store.token, server.pb.auth_store.record)
    assert again.token == ("" if name not in CHANGES else newer)
    assert again.record == ({**RECORD, **CHANGES[name]} if name in CHANGES else None)


def test_a_file_that_is_too_large_is_an_empty_store(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    FileAuthStore(path).save("mine")
    monkeypatch.setattr(file_module, "MAX_FILE_SIZE", 10)
    assert FileAuthStore(path).token == ""
    assert "larger than 16 MiB" in caplog.text


@pytest.mark.parametrize("newer", ["other", ""])
def test_a_refresh_that_ends_after_the_store_changed_is_not_saved(newer: str, path: Path) -> None:
    store = FileAuthStore(path)
    store.save("a")
    store.save(newer)
    replace_refreshed(store, "a", "refreshed", {})
    assert (store.token, FileAuthStore(path).token) == (newer, newer)


def refresh(store: FileAuthStore) -> None:
    replace_refreshed(store, store.token, "refreshed", {})


@pytest.mark.parametrize("take_over", [reload_shared, refresh])
def test_a_callback_may_change_a_store_that_takes_over_a_sign_in_of_another_process(
    take_over: Callable[[FileAuthStore], None], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(mine: str, record: object) -> None:
        if mine == "theirs":
            store.save("mine", RECORD)

    monkeypatch.setattr(file_module, "LOCK_TIMEOUT", 0.0)
    other, store = FileAuthStore(path), FileAuthStore(path)
    store.on_change(refuse)
    other.save("theirs", {"id": "u2"})
    take_over(store)
    assert (store.token, FileAuthStore(path).token) == ("mine", "mine")


async def test_a_refresh_by_another_process_is_taken_over_and_none_is_sent(path: Path) -> None:
    other = FileAuthStore(path)
    other.save(token(30), RECORD)
    server = FakeServer(FileAuthStore(path))
    other.save(newer := token(3600, "newer"), RECORD)
    await server.pb.health.check()
    assert (server.refreshes, server.sent) == (0, [newer])


async def test_a_file_that_cannot_be_read_again_signs_nobody_out(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer(store := FileAuthStore(path))
    store.save(token(30), RECORD)
    path.chmod(0o666)
    await server.pb.health.check()
    assert "cannot be read again" in caplog.text
    assert server.sent == [store.token]
    assert FileAuthStore(path).token == store.token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_was_never_written_signs_nobody_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer(store := FileAuthStore(path))
    with monkeypatch.context() as patch, pytest.raises(OSError, match="space"):
        patch.setattr(os, "replace", full)
        store.save(token(30), RECORD)
    await server.pb.health.check()
    assert (server.refreshes, server.sent) == (1, [store.token])
    assert FileAuthStore(path).token == store.token


REFRESH_REPEATEDLY = """
import sys
from pocketbase_core import FileAuthStore
from pocketbase_core.auth.store import reload_shared, replace_refreshed
store = FileAuthStore(sys.argv[1])
for turn in range(200):
    reload_shared(store)
    old = store.token
    if old:
        replace_refreshed(store, old, f"{old.split()[0]} {sys.argv[2]} {turn}", {"id": "u"})
"""


def test_processes_that_refresh_never_undo_a_sign_in_or_a_sign_out(path: Path) -> None:
    """Each token names the sign-in that it descends from."""
    store = FileAuthStore(path)
    store.save("0 start", {"id": "u"})
    processes = [
        subprocess.Popen([sys.executable, "-c", REFRESH_REPEATEDLY, str(path), str(number)]) for number in range(2)
    ]
    turn = 0
    while any(process.poll() is None for process in processes):
        turn += 1
        store.save(f"{turn} start", {"id": "u"})
        time.sleep(0.002)
        assert FileAuthStore(path).token.split()[0] == str(turn), "a refresh has undone a sign-in"
        if turn % 5 == 0:
            store.clear()
            time.sleep(0.002)
            assert not path.exists(), "a refresh has undone a sign-out"
    assert [process.returncode for process in processes] == [0, 0]
    assert os.listdir(path.parent) in ([], ["auth.json"])


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "_fcntl", None)


@pytest.mark.usefixtures("windows")
def test_without_fcntl_a_draft_is_created_exclusively_and_closed_before_its_rename(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: a draft is open in one process only, and is closed before it is renamed."""
    store = FileAuthStore(path)
    path.with_name(".auth.json.tmp").write_text("left behind")
    store.save("t")
    assert json.loads(path.read_text())["token"] == "t"
    store.clear()
    assert [*path.parent.iterdir()] == []
    path.with_name(".auth.json.tmp").write_text("in use")
    unlink = os.unlink

    def refuse(name: Any) -> None:
        raise PermissionError(errno.EACCES, "the file is in use")

    monkeypatch.setattr(os, "unlink", refuse)
    threading.Timer(0.02, lambda: monkeypatch.setattr(os, "unlink", unlink)).start()
    store.save("t")
    assert FileAuthStore(path).token == "t"


def test_a_store_works_on_a_file_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    FileAuthStore(path).save("t")
    assert FileAuthStore(path).token == "t"


def test_a_draft_that_was_renamed_before_it_was_locked_is_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, flock = path.with_name(".auth.json.tmp"), fcntl.flock
    others = ["renamed", "renamed and made anew"]

    def slow(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        if others:
            os.rename(draft, path)
            if others.pop() != "renamed":
                draft.touch(0o600)

    monkeypatch.setattr(fcntl, "flock", slow)
    FileAuthStore(path).save("t")
    assert others == [], "both drafts were renamed before they were locked"
    assert json.loads(path.read_text())["token"] == "t"
    assert os.listdir(path.parent) == ["auth.json"]
