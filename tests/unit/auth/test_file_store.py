"""The auth store in a file."""

import asyncio
import json
import os
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, FileAuthStore, PocketBase, Request, Response
from pocketbase_transports import MockTransport

from ...helpers.tokens import token

RECORD = {"id": "u1", "collectionName": "users", "name": 'Ünï; "x"'}


def test_a_file_store_keeps_token_and_record_until_it_is_cleared(tmp_path: Path) -> None:
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
    assert os.listdir(tmp_path) == ["auth.json"], "a draft was left behind"


def nested(depth: int) -> dict[str, Any]:
    record: dict[str, Any] = {"id": "u1", "email": "e", "verified": True, "collectionId": "c1"}
    inner = record
    for _ in range(depth):
        inner["data"] = [{}]
        inner = inner["data"][0]
    return record


def depth_of(value: Any) -> int:
    depth = 0
    while "data" in value:
        value, depth = value["data"][0], depth + 1
    return depth


@pytest.mark.parametrize("depth", [450, 5000])
async def test_a_deeply_nested_record_is_kept_in_memory_and_its_essential_fields_are_stored(
    depth: int, tmp_path: Path
) -> None:
    record = nested(depth)
    saved: list[str] = []

    async def save(text: str) -> None:
        saved.append(text)

    file, other, memory = FileAuthStore(tmp_path / "auth.json"), AsyncAuthStore(save), AuthStore()
    for store in (file, other, memory):
        store.save("t", record)
        assert store.record is not None
        assert depth_of(store.record) == depth
        assert store.record["data"] is not record["data"]
    await other.aclose()
    for again in (FileAuthStore(tmp_path / "auth.json"), AsyncAuthStore(save, initial=saved[0])):
        assert again.token == "t"
        assert again.record is not None
        assert {**again.record, "data": None} == {**nested(0), "data": None}
    visitor = AuthStore()
    visitor.load_from_cookie(memory.export_to_cookie())
    assert visitor.record == nested(0)


async def test_a_sign_in_whose_record_has_no_json_form_raises_and_changes_nothing(
    tmp_path: Path,
) -> None:
    def handler(request: Request) -> Response:
        return Response(200, json={"token": token(3600, id="ben"), "record": {"id": "ben", "score": 0.1}})

    store = FileAuthStore(tmp_path / "auth.json")
    store.save(anns := token(3600, id="ann"), {"id": "ann", "collectionId": "c1"})
    pb = PocketBase(
        "http://h",
        transport=MockTransport(handler),
        auth_store=store,
        json_loads=lambda text: json.loads(text, parse_float=Decimal),
    )
    with pytest.raises(TypeError, match="Decimal"):
        await pb.collection("users").auth.with_password("ben", "secret")
    assert store.token == anns


def test_save_raises_when_the_file_cannot_be_replaced_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    store = FileAuthStore(tmp_path / "auth.json")
    store.save("before")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        store.save("after")
    assert store.token == "after"
    assert FileAuthStore(tmp_path / "auth.json").token == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["auth.json"]
