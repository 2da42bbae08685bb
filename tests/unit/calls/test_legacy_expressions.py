"""Filters, sorts and API rules for PocketBase 0.22."""

import pytest

from pocketbase_core import PocketBaseInputError
from pocketbase_core.calls.legacy_expressions import from_legacy_expression, to_legacy_expression


@pytest.mark.parametrize(
    "expression",
    [
        "",
        'title = "a" && n > 1',
        '@collection.posts.id ?= id && tags:length > 1 && tags:each ~ "a"',
        '@request.query.a:isset = true || created >= "@todayStart"',
        'title = ":lower @yesterday strftime( geoDistance( @rowid :changed @request.body.x"',
        "title = ':lower' // @yesterday",
        'title = "a \\" :lower"',
        "-created,title,@random",
    ],
)
def test_what_both_generations_know_stays_as_it_is(expression: str) -> None:
    assert to_legacy_expression(expression) == expression


@pytest.mark.parametrize(
    ("expression", "version"),
    [
        ('title:lower = "a"', "0.24"),
        ("created > @yesterday", "0.24"),
        ("created < @tomorrow", "0.24"),
        ("geoDistance(1, 2, place.lon, place.lat) < 5", "0.27"),
        ("@request.body.role:changed = false", "0.34"),
        ("strftime('%Y', created) = '2026'", "0.36"),
        ("-@rowid", "0.23"),
        ('title = "a" && n:lower = 1', "0.24"),
    ],
)
def test_what_pocketbase_0_22_does_not_know_is_refused_with_the_version_that_knows_it(
    expression: str, version: str
) -> None:
    with pytest.raises(PocketBaseInputError, match=f"PocketBase {version} or newer is required"):
        to_legacy_expression(expression)


def test_the_body_of_a_request_has_another_name_in_rules() -> None:
    current = '@request.body.a = 1 && b = "@request.body.c"'
    legacy = '@request.data.a = 1 && b = "@request.body.c"'
    assert to_legacy_expression(current) == legacy
    assert from_legacy_expression(legacy) == current


def test_names_in_filters_of_logs_are_replaced_outside_quotes() -> None:
    names = {"data.userIP": "data.userIp"}
    assert to_legacy_expression('data.userIP = "data.userIP"', names) == 'data.userIp = "data.userIP"'
