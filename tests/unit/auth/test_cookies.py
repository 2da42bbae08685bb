"""An auth store as a cookie."""

import logging
from typing import Any
from urllib.parse import quote

import pytest

from pocketbase_core import AuthStore

from ...helpers.tokens import token

RECORD = {"id": "u1", "collectionName": "users", "name": 'Ünï; "x"'}


def test_an_exported_cookie_can_be_loaded_again() -> None:
    store, mine = AuthStore(), token(100)
    store.save(mine, RECORD)
    header = store.export_to_cookie()
    pair, *attributes = header.split("; ")
    assert [each.partition("=")[0] for each in attributes] == ["Expires", "Path", "SameSite", "HttpOnly", "Secure"]
    other = AuthStore()
    notified: list[Any] = []
    other.on_change(lambda token, record: notified.append(token))
    other.load_from_cookie(f"a=b; {pair}; pb_authx=1")
    assert (other.token, other.record, notified) == (mine, RECORD, [mine])
    assert "HttpOnly" not in store.export_to_cookie("k", http_only=False)
    assert store.export_to_cookie("k").startswith("k=")
    assert "Expires=Thu, 01 Jan 1970" in AuthStore().export_to_cookie()
    with pytest.raises(ValueError, match="Path"):
        store.export_to_cookie(path="/; Domain=evil.example")


def test_a_record_too_large_for_a_cookie_is_cut_to_its_essential_fields() -> None:
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
def test_an_invalid_cookie_empties_the_store(value: str, caplog: pytest.LogCaptureFixture) -> None:
    store = AuthStore()
    store.save("mine")
    with caplog.at_level(logging.WARNING):
        store.load_from_cookie(f"pb_auth={value}")
    assert (store.token, store.record) == ("", None)
