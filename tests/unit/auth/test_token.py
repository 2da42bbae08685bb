"""The claims of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from pocketbase_core.auth.token import claims, is_sendable_token, is_valid

from ...helpers.tokens import encoded, token


@given(st.dictionaries(st.text(), st.text()))
def test_a_payload_of_any_length_is_decoded(payload: dict[str, str]) -> None:
    assert claims(f"head.{encoded(payload)}.sign") == payload


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
