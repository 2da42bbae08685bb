"""The bodies and the lists of records for PocketBase 0.22."""

from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBaseInputError, Request
from pocketbase_core.calls.record_body import split_files
from pocketbase_core.middleware.legacy.records import legacy_query, legacy_record

NEW, OTHER = FileUpload(("new.txt", b"new")), FileUpload(("other.txt", b"other"))


def sent(method: str, body: dict[str, Any]) -> tuple[Any, list[tuple[str, str]]]:
    values, files = split_files(body)
    request = legacy_record(Request(method, "http://h/api/collections/p/records", body=values, files=files))
    return request.json(), [(name, file.filename) for name, file in request.files]


@pytest.mark.parametrize(
    ("body", "values", "files"),
    [
        ({"docs": NEW}, {"docs": []}, [("docs", "new.txt")]),
        ({"docs": [NEW, OTHER], "n": 1}, {"docs": [], "n": 1}, [("docs", "new.txt"), ("docs", "other.txt")]),
        ({"docs+": NEW}, {}, [("docs", "new.txt")]),
        ({"docs": ["kept.txt", NEW]}, {"docs": ["kept.txt"]}, [("docs", "new.txt")]),
        ({"docs": NEW, "docs+": OTHER}, {"docs": []}, [("docs", "new.txt"), ("docs", "other.txt")]),
        ({"docs+": OTHER, "docs": NEW}, {"docs": []}, [("docs", "new.txt"), ("docs", "other.txt")]),
        ({"tags+": ["a12345678901234", "a.b"], "n+": 1}, {"tags+": ["a12345678901234", "a.b"], "n+": 1}, []),
        ({"docs+": NEW, "docs-": ["old.txt"]}, {"docs-": ["old.txt"]}, [("docs", "new.txt")]),
        ({"docs-": ["old.txt"], "n+": 1}, {"docs-": ["old.txt"], "n+": 1}, []),
    ],
)
def test_an_update_has_the_effect_that_it_has_on_the_current_version(
    body: dict[str, Any], values: object, files: object
) -> None:
    assert sent("PATCH", body) == (values, files)


def test_a_create_stores_its_uploads() -> None:
    assert sent("POST", {"docs": NEW, "n": 1}) == ({"n": 1}, [("docs", "new.txt")])
    assert sent("POST", {"docs+": NEW}) == ({}, [("docs", "new.txt")])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"+docs": NEW}, "'\\+docs', which puts values before"),
        ({"+tags": ["a"]}, "'\\+tags', which puts values before"),
        ({"docs+": ["kept.txt", NEW]}, "names of stored files beside uploads in 'docs\\+'"),
        ({"docs+": ["kept_ab12cd34EF.txt"]}, "names of stored files in 'docs\\+'"),
        ({"docs+": "ab12cd34EF.txt"}, "names of stored files in 'docs\\+'"),
        ({"docs.a.txt": None}, "the name of a stored file to remove.*write {'docs-': \\[name\\]}"),
    ],
)
def test_what_would_be_ignored_or_mean_something_else_is_refused(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(PocketBaseInputError, match=problem):
        sent("PATCH", body)


def test_a_body_that_is_no_object_is_left_alone() -> None:
    for body in (None, [1]):
        request = Request("POST", "http://h/x", body=body)
        assert legacy_record(request) is request


def test_a_filter_and_a_sort_are_checked_and_other_parameters_stay() -> None:
    plain = Request("GET", "http://h/x", {"filter": "n > 1", "sort": "-n", "page": "1", "expand": "a:lower"})
    assert legacy_query(plain) is plain
    body = Request("GET", "http://h/x", {"filter": "@request.body.a = 1", "page": "1"})
    assert legacy_query(body).params == {"filter": "@request.data.a = 1", "page": "1"}
    for name, text in (("filter", "n:lower = 1"), ("sort", "@rowid")):
        with pytest.raises(PocketBaseInputError, match="does not support"):
            legacy_query(Request("GET", "http://h/x", {name: text}))
