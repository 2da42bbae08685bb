"""Filter expressions."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pocketbase_core import PocketBase, PocketBaseInputError
from pocketbase_core.calls.filters import build_filter


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (1e-7, "0.0000001"),
        (Decimal("1.10"), "1.10"),
        ("a'b\"c", '"a\'b\\"c"'),
        ("", '""'),
        ("😀\n\t", '"😀\n\t"'),
        ("C:\\dir", '"C:\\dir"'),
        ("{:b}", '"{:b}"'),
        (datetime(2024, 1, 2, tzinfo=UTC), '"2024-01-02 00:00:00.000Z"'),
        (["a", 1], '"[\\"a\\",1]"'),
        (("a", 1), '"[\\"a\\",1]"'),
        (["ü"], '"[\\"ü\\"]"'),
        ({"k": None}, '"{\\"k\\":null}"'),
    ],
)
def test_each_type_of_value_has_a_literal(value: Any, text: str) -> None:
    assert build_filter("x = {:a}", {"a": value}) == f"x = {text}"


@pytest.mark.parametrize(
    "name", ["a", "user-id", "x.y", "größe", "2", "a b", 'it\'s "x"', "// x", "raw", "params", "self", ""]
)
def test_a_placeholder_may_have_any_name_without_braces(name: str) -> None:
    pb = PocketBase("http://h")
    assert pb.filter(f"a = {{:{name}}} && b = {{:{name}}}", {name: 1}) == "a = 1 && b = 1"
    assert pb.filter(f"a = {{:{name}}}", **{name: 1}) == "a = 1"
    with pytest.raises(PocketBaseInputError, match=f"no value {re.escape(repr(name))} was passed"):
        pb.filter(f"a = {{:{name}}}")
    with pytest.raises(PocketBaseInputError, match=f"no placeholder {re.escape(f'{{:{name}}}')} for the value"):
        pb.filter("a = 1", {name: 1})
    with pytest.raises(PocketBaseInputError, match="must not be inside quotes or a comment"):
        pb.filter(f"a = 1 // {{:{name}}}", {name: 1})


def test_a_value_without_a_placeholder_is_an_error_that_names_the_value() -> None:
    with pytest.raises(PocketBaseInputError, match=r"the filter has no placeholder \{:b\} for the value 'b'"):
        build_filter("x = {:a}", {"a": 1, "b": "other"})


def test_a_dict_of_values_that_is_passed_by_name_is_an_error_that_says_how_to_pass_it() -> None:
    with pytest.raises(PocketBaseInputError, match="pass the dict 'params' as the second argument, without a name"):
        PocketBase("http://h").filter("a = {:a}", params={"a": 1})


@pytest.mark.parametrize("text", ["\\", "a\\", "\\\\", 'a\\"', "\\n", "\\t", "\\r", "\\'", "x\\ny"])
def test_ambiguous_backslashes_are_refused_without_escapes(text: str) -> None:
    pb = PocketBase("http://h")
    with pytest.raises(ValueError, match=r"server_version='0\.39\.9'"):
        pb.filter("x = {:a}", a=text)
    pb.filter_escapes = True
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert pb.filter("x = {:a}", {"a": text}) == f'x = "{escaped}"'


@pytest.mark.parametrize(
    ("raw", "params", "error"),
    [
        ("x = {:a}", {}, ValueError),
        ("x = '{:a}'", {"a": "y"}, ValueError),
        ('x = "b {:a} c"', {"a": "y"}, ValueError),
        ("x = 1 // {:a}", {"a": "\n|| true"}, ValueError),
        ("x = {:a}", {"a": "\0"}, ValueError),
        ("x = {:a}", {"a": float("nan")}, ValueError),
        (r"t = 'x\\' && x = {:a} && u = ''", {"a": "y"}, ValueError),
        ("x = {:a}", {"a": b"y"}, TypeError),
        ("x = {:a}", {"a": object()}, TypeError),
    ],
)
def test_a_value_that_cannot_be_written_safely_is_an_error(
    raw: str, params: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        build_filter(raw, params)


def test_an_expression_with_a_text_that_ends_in_a_backslash_takes_no_values() -> None:
    raw = r"t = 'x\\' && n = 1"
    assert build_filter(raw, {}) == raw
    assert build_filter(raw + " && x = {:a}", {"a": 1}, escapes=True) == raw + " && x = 1"
    assert build_filter(r"t = 'it\'s' && x = {:a}", {"a": 1}) == r"t = 'it\'s' && x = 1"


def test_an_expression_without_placeholders_is_returned_unchanged() -> None:
    raw = "a = '{:b}' && c = \"it's\" // it's\n && d = {:d}"
    assert build_filter(raw, {"d": 1}) == raw.replace("{:d}", "1")


def read_literals(expression: str, new: bool) -> list[str]:
    """The quoted texts of an expression, as a server before or from 0.39.9 on reads them."""
    texts, index = list[str](), 0
    while index < len(expression):
        if expression[index] != '"':
            index += 1
            continue
        text, index = "", index + 1
        while expression[index] != '"':
            escapes = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t", "r": "\r"} if new else {'"': '"'}
            follower = expression[index + 1 : index + 2]
            if expression[index] == "\\" and follower in escapes and follower:
                text, index = text + escapes[follower], index + 2
            else:
                text, index = text + expression[index], index + 1
        texts.append(text)
        index += 1
    return texts


def test_backslashes_in_json_are_refused_without_escapes() -> None:
    with pytest.raises(ValueError, match=r"\{:a\} contains a backslash"):
        build_filter("x = {:a}", {"a": ["\n"]})
    (text,) = read_literals(build_filter("x = {:a}", {"a": ["\n"]}, escapes=True), new=True)
    assert json.loads(text) == ["\n"]


def test_a_number_without_a_json_form_is_an_error_that_names_its_path() -> None:
    with pytest.raises(ValueError, match=r"a\[0\] is nan"):
        build_filter("x = {:a}", {"a": [float("nan")]})


tricky = st.text(
    st.one_of(st.sampled_from("\\\"'ntr{}: |&/"), st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)


@given(tricky, tricky)
def test_both_grammars_read_what_was_meant(first: str, second: str) -> None:
    try:
        expression = build_filter("a = {:a} && b = {:b}", {"a": first, "b": second})
    except ValueError:
        assert "\\" in first + second
    else:
        assert read_literals(expression, new=False) == read_literals(expression, new=True) == [first, second]
    escaped = build_filter("a = {:a} && b = {:b}", {"a": first, "b": second}, escapes=True)
    assert read_literals(escaped, new=True) == [first, second]


# Comments, quoted texts and other characters, as a server before or from 0.39.9 on tells them apart.
OLD = re.compile(r"""//[^\n]*|"(?:\\"|[^"])*+"?|'(?:\\'|[^'])*+'?|.""", re.DOTALL)
NEW = re.compile(r"""//[^\n]*|"(?:\\[\\"'ntr]|[^"])*+"?|'(?:\\[\\"'ntr]|[^'])*+'?|.""", re.DOTALL)
PIECES = ["{:a}", "{:a}", '"', "'", "/", "//", "\n", " ", "x", "=", "{:", "}", "&&", "\\", "\\\\"]
raws = st.lists(st.sampled_from(PIECES))


@given(raws.map("".join), tricky | st.lists(tricky) | st.dictionaries(tricky, tricky), st.booleans())
@example(r"'\\' = {:a} && ''", "' || x", False)
def test_no_value_changes_what_is_around_it(raw: str, value: Any, escapes: bool) -> None:
    try:
        literal, harmless, expression = [
            build_filter(text, {"a": inner}, escapes=escapes)
            for text, inner in (("{:a}", value), (raw, "harmless"), (raw, value))
        ]
    except ValueError:
        return
    for grammar in [NEW] if escapes else [OLD, NEW]:
        wanted = [literal if part == '"harmless"' else part for part in grammar.findall(harmless)]
        assert grammar.findall(expression) == wanted
