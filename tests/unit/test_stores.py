"""Stores that persist, and cookies."""

import asyncio
import json
import logging
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, FileAuthStore, PocketBase
from pocketbase_core.auth.store import renew, sign_in_of

from .test_auth import token

RECORD = {"id": "u1", "collectionName": "users", "name": 'Ünï; "x"'}


def test_a_file_survives(tmp_path: Path) -> None:
    path, mine = tmp_path / "auth.json", token(100)
    FileAuthStore(path).save(mine, RECORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = FileAuthStore(path)
    assert (again.token, again.record) == (mine, RECORD)
    assert again.is_valid
    again.clear()
    assert not path.exists()
    again.clear()
    assert FileAuthStore(path).token == ""
    assert [*tmp_path.iterdir()] == []


BROKEN = ["{", "[]", '"x"', '{"token": 3}', '{"token": "a\\nb"}', '{"token": "t", "record": 1}', "\xff", "\xff\xfe{"]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_an_empty_store(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "auth.json"
    path.write_bytes(text.encode("latin-1"))
    store = FileAuthStore(path)
    assert (store.token, store.record) == ("", None)
    assert "counts as empty" in caplog.text
    store.save("t")
    assert FileAuthStore(path).token == "t"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "auth.json"
    other.write_text("mine")
    path.symlink_to(other)
    FileAuthStore(path).save("t")
    assert other.read_text() == "mine"
    assert not path.is_symlink()


async def test_two_clients_on_one_file_do_not_corrupt_it(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"

    def write(number: int) -> None:
        store = FileAuthStore(path)
        for turn in range(50):
            store.save(f"t{number}-{turn}", {"id": "x" * 1000 * number})

    await asyncio.gather(*(asyncio.to_thread(write, number) for number in (1, 9)))
    assert json.loads(path.read_text())["token"] in ("t1-49", "t9-49")
    assert os.listdir(tmp_path) == ["auth.json"]


async def test_an_async_store_writes_in_order_and_is_waited_for() -> None:
    saved: list[str] = []

    async def save(text: str) -> None:
        await asyncio.sleep(0.001 if len(saved) == 0 else 0)
        saved.append(text)

    async def clear() -> None:
        saved.append("cleared")

    store = AsyncAuthStore(save=save, clear=clear)
    async with PocketBase("http://h", auth_store=store):
        store.save("a", RECORD)
        store.save("b")
        store.clear()
        assert saved == []
    assert [json.loads(text)["token"] for text in saved[:2]] == ["a", "b"]
    assert saved[2] == "cleared"
    again = AsyncAuthStore(save=save, initial=saved[0])
    assert (again.token, again.record) == ("a", RECORD)
    assert AsyncAuthStore(save=save, initial="broken").token == ""


async def test_an_async_store_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def save(text: str) -> None:
        raise OSError("no disk")

    store = AsyncAuthStore(save=save)
    store.save("secret")
    await store.aclose()
    assert store.token == "secret"
    assert "could not be saved" in caplog.text
    assert "secret" not in caplog.text


def test_a_cookie_there_and_back() -> None:
    store, mine = AuthStore(), token(100)
    store.save(mine, RECORD)
    header = store.export_to_cookie()
    pair, *attributes = header.split("; ")
    assert [each.partition("=")[0] for each in attributes] == ["Expires", "Path", "SameSite", "HttpOnly", "Secure"]
    other = AuthStore()
    told: list[Any] = []
    other.on_change(lambda token, record: told.append(token))
    other.load_from_cookie(f"a=b; {pair}; pb_authx=1")
    assert (other.token, other.record, told) == (mine, RECORD, [mine])
    assert "HttpOnly" not in store.export_to_cookie("k", http_only=False)
    assert store.export_to_cookie("k").startswith("k=")
    assert "Expires=Thu, 01 Jan 1970" in AuthStore().export_to_cookie()
    with pytest.raises(ValueError, match="Path"):
        store.export_to_cookie(path="/; Domain=evil.example")


def test_a_large_record_is_cut_to_who_it_is() -> None:
    store = AuthStore()
    store.save(token(100), {**RECORD, "email": "e", "bio": "x" * 5000})
    header = store.export_to_cookie()
    assert len(header) <= 4096
    other = AuthStore()
    other.load_from_cookie(header)
    assert other.record == {"id": "u1", "email": "e", "collectionName": "users"}


@pytest.mark.parametrize(
    "value", ["", "x", "%7B", "%ff", quote('{"token": 1}'), quote('["a"]'), quote('{"token": "a\r\nb"}')]
)
def test_a_cookie_of_someone_elses_making(value: str, caplog: pytest.LogCaptureFixture) -> None:
    store = AuthStore()
    store.save("mine")
    with caplog.at_level(logging.WARNING):
        store.load_from_cookie(f"pb_auth={value}")
    assert (store.token, store.record) == ("", None)


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    store = FileAuthStore(tmp_path / "auth.json")
    store.save("before")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        store.save("after")
    assert store.token == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["auth.json"]


def test_a_token_that_is_no_users_is_no_superusers() -> None:
    store = AuthStore()
    store.save(token(100, type="file"), {"collectionName": "_superusers"})
    assert not store.is_superuser


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError, GeneratorExit])
def test_a_callback_that_raises_disturbs_nobody(kind: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    def fail(token: str, record: object) -> None:
        raise kind

    store, told = AuthStore(), list[str]()
    store.on_change(fail)
    store.on_change(lambda token, record: told.append(token))
    store.save("a", None)
    store.clear()
    assert told == ["a", ""]
    assert caplog.text.count("a callback of on_change failed") == 2


def test_an_interrupt_is_no_error_of_a_callback() -> None:
    def interrupt(token: str, record: object) -> None:
        raise KeyboardInterrupt

    store = AuthStore()
    store.on_change(interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save("a", None)
    assert store.token == "a"


def test_a_sign_in_is_the_same_while_its_tokens_are_renewed() -> None:
    store = AuthStore()
    store.save("a", None)
    for text in ("b", "c"):
        renew(store, text, None)
        assert (store.token, sign_in_of(store)) == (text, "a")
    store.save("c", {"id": "changed"})
    assert sign_in_of(store) == "a"
    store.save("d", None)
    assert sign_in_of(store) == "d"
    store.clear()
    assert sign_in_of(store) == ""
