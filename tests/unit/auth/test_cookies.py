"""An auth store as a cookie."""

import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote

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
    "value",
    [
        *["", "x", "%7B", "%ff", '"', "%00", "[" * 5000, "%5B" * 5000, "9" * 5000, "1e999", "null", '"text"'],
        *map(quote, ['{"token": 1}', '["a"]', '{"token": "a\r\nb"}', '{"token": "a\\u0000b"}', '{"token": " a"}']),
        *map(quote, ['{"token": "a", "record": [1]}', '{"token": "a", "model": "b"}', '{"record": {"id": "a"}}']),
    ],
)
def test_an_invalid_cookie_empties_the_store(value: str, caplog: pytest.LogCaptureFixture) -> None:
    store = AuthStore()
    store.save("mine")
    with caplog.at_level(logging.WARNING):
        store.load_from_cookie(f"pb_auth={value}")
    assert (store.token, store.record) == ("", None)


def test_a_cookie_is_written_as_the_js_sdk_writes_it() -> None:
    store = AuthStore()
    name = 'Ünï; "x" !~*\'()-_.\\ %,é\u2028\U0001f600 \ud800'
    store.save("t.o.k", {"id": "u1", "name": name, "n": 1, "b": True, "x": None, "l": [1, "a b"]})
    assert store.export_to_cookie().split("; ")[0] == (  # the output of pb.authStore.exportToCookie()
        "pb_auth=%7B%22token%22%3A%22t.o.k%22%2C%22record%22%3A%7B%22id%22%3A%22u1%22%2C%22name%22%3A%22"
        "%C3%9Cn%C3%AF%3B%20%5C%22x%5C%22%20!~*'()-_.%5C%5C%20%25%2C%C3%A9%E2%80%A8%F0%9F%98%80%20%5Cud800%22%2C"
        "%22n%22%3A1%2C%22b%22%3Atrue%2C%22x%22%3Anull%2C%22l%22%3A%5B1%2C%22a%20b%22%5D%7D%7D"
    )


def test_a_record_of_many_fields_is_kept_as_long_as_the_cookie_fits() -> None:
    record: dict[str, Any] = {"id": "u1", **{f"field{number:02}": "some new text (1)" for number in range(77)}}
    store, other = AuthStore(), AuthStore()
    store.save(token(100), record)
    header = store.export_to_cookie()
    assert 3900 < len(header) <= 4096
    other.load_from_cookie(header)
    assert other.record == record


@pytest.mark.parametrize("more", [{}, {"record": None}])
def test_the_record_of_an_old_cookie_is_called_model(more: dict[str, Any]) -> None:
    store = AuthStore()
    store.load_from_cookie(f"pb_auth={quote(json.dumps({'token': 't', 'model': RECORD} | more))}")
    assert (store.token, store.record) == ("t", RECORD)
    store.load_from_cookie(f"pb_auth={quote(json.dumps({'token': 't', 'model': {'id': 'old'}, 'record': RECORD}))}")
    assert store.record == RECORD


def test_a_request_without_a_cookie_header_is_an_empty_store() -> None:
    store = AuthStore()
    store.save("mine")
    store.load_from_cookie(None)
    assert (store.token, store.record) == ("", None)


def test_a_visitor_whose_session_is_over_is_a_guest() -> None:
    visitor, store = AuthStore(), AuthStore()
    store.save(token(-1), RECORD)
    visitor.save("mine", RECORD)
    visitor.load_from_cookie(store.export_to_cookie())
    assert (visitor.token, visitor.record) == ("", None)


@pytest.mark.parametrize("exp", [None, "soon", True])
def test_a_cookie_whose_token_has_no_expiry_is_kept(exp: Any) -> None:
    visitor, store = AuthStore(), AuthStore()
    store.save(token(0, exp=exp), RECORD)
    visitor.load_from_cookie(store.export_to_cookie())
    assert (visitor.token, visitor.record) == (store.token, RECORD)


@pytest.mark.parametrize(
    ("same_site", "attribute"),
    [("Strict", "SameSite=Strict"), ("lax", "SameSite=Lax"), ("NONE", "SameSite=None"), ("", ""), (None, "")],
)
def test_same_site_is_one_of_its_three_values_or_left_out(same_site: Any, attribute: str) -> None:
    found = [each for each in AuthStore().export_to_cookie(same_site=same_site).split("; ") if "same" in each.lower()]
    assert found == [attribute] * bool(attribute)


def attributes_of(header: str) -> list[str]:
    return [each for each in header.split("; ") if each.startswith(("Expires", "Max-Age"))]


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({"expires": None}, []),
        ({"expires": None, "max_age": 60}, ["Max-Age=60"]),
        ({"expires": datetime(2027, 1, 2, 3, 4, 5)}, ["Expires=Sat, 02 Jan 2027 03:04:05 GMT"]),
        ({"expires": datetime(2027, 1, 2, 3, tzinfo=UTC)}, ["Expires=Sat, 02 Jan 2027 03:00:00 GMT"]),
        (
            {"expires": datetime(2027, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "max_age": 0},
            ["Max-Age=0", "Expires=Sat, 02 Jan 2027 01:00:00 GMT"],
        ),
    ],
)
def test_a_cookie_may_end_with_the_browser_session_or_at_another_time(options: Any, attributes: list[str]) -> None:
    store = AuthStore()
    store.save(token(100))
    assert attributes_of(store.export_to_cookie(**options)) == attributes
    store.clear()
    assert attributes_of(store.export_to_cookie(**options)) == ["Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "a sign-out"


def test_a_flag_of_a_cookie_has_no_value() -> None:
    truthy: Any = "yes"
    header = AuthStore().export_to_cookie(secure=truthy, http_only=truthy)
    assert header.endswith("; HttpOnly; Secure")
    assert unquote(header.split("; ")[0]) == 'pb_auth={"token":"","record":null}'
