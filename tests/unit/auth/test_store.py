"""The auth store in memory: its changes, its callbacks, and the sign-in that a token belongs to."""

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import AuthStore, FileAuthStore
from pocketbase_core.auth.store import replace_refreshed, sign_in_of

from ...helpers.tokens import legacy_token, token


def test_a_store_holds_token_and_record_and_calls_its_callbacks() -> None:
    store, notified = AuthStore(), list[Any]()
    remove = store.on_change(lambda token, record: notified.append((token, record)))
    record = {"id": "u1", "collectionName": "users", "deep": [1]}
    valid = token(100)
    store.save(valid, record)
    record["deep"] = [2]
    assert store.record == {"id": "u1", "collectionName": "users", "deep": [1]}
    assert store.is_valid
    assert not store.is_superuser
    store.clear()
    assert not store.token
    assert store.record is None
    assert not store.is_valid
    assert [entry[0] for entry in notified] == [valid, ""]
    remove()
    remove()
    store.save(token(-1), {"collectionName": "_superusers"})
    assert len(notified) == 2
    assert not store.is_valid
    assert store.is_superuser
    store.save(token(100, collectionId="pbc_3142635823"))
    assert store.is_superuser
    wrong: Any = None
    with pytest.raises(TypeError):
        store.save(wrong)


def test_an_admin_of_0_22_is_a_superuser_and_a_user_is_not() -> None:
    store = AuthStore()
    store.save(legacy_token("admin", id="s1"))
    assert store.is_superuser
    store.save(legacy_token("authRecord", id="u1", collectionId="c1"))
    assert not store.is_superuser


def test_a_token_that_is_not_an_auth_token_is_not_a_superusers() -> None:
    store = AuthStore()
    store.save(token(100, type="file"), {"collectionName": "_superusers"})
    assert not store.is_superuser


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError, GeneratorExit])
def test_an_exception_of_a_callback_is_logged_and_the_other_callbacks_are_called(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(token: str, record: object) -> None:
        raise kind

    store, notified = AuthStore(), list[str]()
    store.on_change(fail)
    store.on_change(lambda token, record: notified.append(token))
    store.save("a", None)
    store.clear()
    assert notified == ["a", ""]
    assert caplog.text.count("a callback of on_change failed") == 2


def test_a_callback_may_also_be_called_at_once() -> None:
    store, notified = AuthStore(), list[Any]()
    store.on_change(lambda token, record: notified.append((token, record)))
    assert notified == []
    store.save("a", {"id": "u1"})
    remove = store.on_change(lambda token, record: notified.append(("at once", token, record)), immediately=True)
    assert notified == [("a", {"id": "u1"}), ("at once", "a", {"id": "u1"})]
    remove()
    store.clear()
    assert notified[2:] == [("", None)]


def test_what_a_callback_raises_that_is_called_at_once_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(token: str, record: object) -> None:
        raise ValueError(token)

    store = AuthStore()
    store.on_change(fail, immediately=True)
    store.save("a")
    assert caplog.text.count("a callback of on_change failed") == 2


def test_a_keyboard_interrupt_in_a_callback_is_raised() -> None:
    def interrupt(token: str, record: object) -> None:
        raise KeyboardInterrupt

    store = AuthStore()
    store.on_change(interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save("a", None)
    assert store.token == "a"


def test_a_callback_gets_the_change_that_an_earlier_callback_made() -> None:
    store, notified = AuthStore(), list[str]()

    def refuse(token: str, record: object) -> None:
        if token:
            store.clear()

    store.on_change(refuse)
    store.on_change(lambda token, record: notified.append(token))
    store.save("a", None)
    assert (store.token, notified[-1]) == ("", "")


def test_a_refresh_that_cannot_be_saved_leaves_the_sign_in_unchanged(tmp_path: Path) -> None:
    store = FileAuthStore(tmp_path / "auth.json")
    store.save("a")
    sign_in = sign_in_of(store)
    replace_refreshed(store, "a", "b", {})
    with pytest.raises(TypeError):
        replace_refreshed(store, "b", "c", {"score": Decimal(1)})
    assert (store.token, sign_in_of(store)) == ("b", sign_in)


@pytest.mark.parametrize("is_in_file", [False, True])
def test_the_record_of_a_refresh_is_copied(is_in_file: bool, tmp_path: Path) -> None:
    store = FileAuthStore(tmp_path / "auth.json") if is_in_file else AuthStore()
    store.save("a")
    record: dict[str, Any] = {"tags": ["a"]}
    replace_refreshed(store, "a", "b", record)
    record["tags"].append("b")
    assert store.record == {"tags": ["a"]}


@pytest.mark.parametrize("before", ["", token(30, id="ann")])
def test_a_refresh_that_returns_another_user_is_a_new_sign_in(before: str) -> None:
    store, bens = AuthStore(), token(3600, id="ben")
    store.save(before)
    replace_refreshed(store, before, bens, {})
    own = AuthStore()
    own.save(bens)
    assert (store.token, sign_in_of(store)) == (bens, sign_in_of(own))
    store.clear()
    assert sign_in_of(store) == ""


def test_a_sign_in_is_the_same_while_its_tokens_are_refreshed() -> None:
    store = AuthStore()
    store.save("a", None)
    sign_in = sign_in_of(store)
    for text in ("b", "c"):
        replace_refreshed(store, store.token, text, {})
        assert (store.token, sign_in_of(store)) == (text, sign_in)
    store.save("c", {"id": "changed"})
    assert sign_in_of(store) == sign_in
    store.save("d", None)
    assert sign_in_of(store) not in ("", sign_in)
    store.clear()
    assert sign_in_of(store) == ""


def test_a_record_that_contains_itself_is_copied_with_the_same_structure() -> None:
    record: dict[str, Any] = {"list": [1], "when": datetime(2026, 1, 1)}
    record["list"].append(record["list"])
    record["self"] = record
    store = AuthStore()
    store.save("t", record)
    assert store.record is not None
    assert store.record["self"] is store.record
    assert store.record["list"][1] is store.record["list"]
    assert store.record["list"] is not record["list"]
