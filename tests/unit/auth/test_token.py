"""The claims of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbase_core.auth.token import claims, is_refreshable, is_sendable_token, is_valid, subject

from ...helpers.tokens import encoded, token


@given(st.dictionaries(st.text(), st.text()))
def test_a_payload_of_any_length_is_decoded(payload: dict[str, str]) -> None:
    assert claims(f"head.{encoded({'n': payload})}.sign") == {"n": payload}


@pytest.mark.parametrize(
    ("payload", "collection"),
    [({"type": "admin"}, "pbc_3142635823"), ({"type": "authRecord", "collectionId": "c1"}, "c1")],
)
def test_a_token_of_0_22_is_read_as_one_of_newer_servers(payload: dict[str, str], collection: str) -> None:
    for more in ({}, {"email": "a@example.com"}):
        old = f"h.{encoded({**payload, **more, 'id': 'u1', 'exp': 50})}.s"
        assert claims(old) == {"type": "auth", "collectionId": collection, "id": "u1", "exp": 50, **more}
        assert subject(old) == (collection, "u1")
        assert is_refreshable(old)


@pytest.mark.parametrize("kind", ["file", "auth", 3, None, ["admin"], {}])
def test_any_other_type_of_a_token_stays_as_it_is(kind: object) -> None:
    assert claims(f"h.{encoded({'type': kind, 'id': 'u1'})}.s") == {"type": kind, "id": "u1"}


def test_a_token_has_three_parts_and_is_valid_until_its_expiry() -> None:
    assert claims(f"{encoded({'a': 1})}.{encoded({'a': 1})}") == {}
    assert claims(f"h.{encoded({'a': 1})}.s.more") == {}
    assert is_valid(token(0, exp=50.0), 49.9)
    assert not is_valid(token(0, exp=50.0), 50.0)
    assert not is_valid(token(0, exp=50), 50.0)
    assert is_valid(token(0, exp=True), 50.0), "True is not an expiry"


def test_only_printable_ascii_text_can_be_sent_as_a_token() -> None:
    values: list[object] = ["tok", "", "ü", "a\n", 3, None]
    assert [value for value in values if is_sendable_token(value)] == ["tok", ""]


@given(st.text())
def test_no_text_makes_the_parsing_of_a_token_raise(text: str) -> None:
    for value in (text, f"a.{text}.c", f"a.{encoded(text)}.c", f"a.{encoded({'exp': text})}.c"):
        claims(value)
        is_valid(value, 0.0)
