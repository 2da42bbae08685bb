"""The topics of a realtime connection to PocketBase 0.22."""

import pytest

from pocketbase_core import PocketBaseInputError, Request
from pocketbase_core.calls.options import ListOptions, parse_options
from pocketbase_core.endpoints.realtime import encode_topic
from pocketbase_core.middleware.legacy.realtime import check_topics


def submitting(*topics: str) -> Request:
    return Request("POST", "http://h/api/realtime", body={"clientId": "c", "subscriptions": topics})


def topic(name: str, **options: str) -> str:
    return encode_topic(name, parse_options(ListOptions, options, {}))


def test_the_topics_of_records_are_sent_as_they_are() -> None:
    request = submitting("posts/*", topic("users/u1", filter='n > 1 && t = ":lower"', expand="a"), "@oauth2")
    assert check_topics(request) is request
    assert check_topics(submitting()).json()["subscriptions"] == []


@pytest.mark.parametrize(
    "refused",
    [
        "_superusers/*",
        "pbc_3142635823/a",
        "_externalAuths/*",
        topic("posts/*", filter='title:lower = "a"'),
        topic("posts/*", filter='@request.body.a = "a"'),
    ],
)
def test_a_topic_that_would_have_no_events_or_too_many_is_refused(refused: str) -> None:
    with pytest.raises(PocketBaseInputError, match=r"PocketBase 0\.22 does not support"):
        check_topics(submitting("posts/*", refused))
