"""The settings and the logs of PocketBase 0.22."""

from typing import Any

import pytest

from pocketbase_core import PocketBaseInputError, Request
from pocketbase_core.middleware.legacy import settings


def patch(body: dict[str, Any]) -> Request:
    return Request("PATCH", "http://h/api/settings", body=body)


def test_settings_have_their_present_names_and_no_secrets() -> None:
    legacy = {
        "meta": {"appName": "A", "appUrl": "http://a"},
        "logs": {"logIp": True, "maxDays": 5},
        "smtp": {"password": "******", "host": "h"},
        "backups": {"s3": {"secret": "******", "bucket": "b"}},
        "googleAuth": {"clientId": "i", "clientSecret": "******"},
    }
    assert settings.current_settings(legacy) == {
        "meta": {"appName": "A", "appURL": "http://a"},
        "logs": {"logIP": True, "maxDays": 5},
        "smtp": {"host": "h"},
        "backups": {"s3": {"bucket": "b"}},
        "googleAuth": {"clientId": "i"},
    }
    assert settings.current_settings({"smtp": {}}) == {"smtp": {}}


def test_settings_are_changed_under_their_former_names() -> None:
    body = {"meta": {"appURL": "http://a"}, "logs": {"logIP": False}, "smtp": {"host": "h"}}
    assert settings.legacy_settings(patch(body)).json() == {
        "meta": {"appUrl": "http://a"},
        "logs": {"logIp": False},
        "smtp": {"host": "h"},
    }
    assert settings.legacy_settings(patch({"smtp": None})).json() == {"smtp": None}


@pytest.mark.parametrize(
    ("body", "name", "version"),
    [
        ({"batch": {"enabled": True}}, "'batch'", "0.23"),
        ({"rateLimits": {}}, "'rateLimits'", "0.23"),
        ({"superuserIPs": []}, "'superuserIPs'", "0.38"),
        ({"logs": {"logAuthId": True}}, "logs.logAuthId", "0.23"),
    ],
)
def test_a_newer_setting_is_refused(body: dict[str, Any], name: str, version: str) -> None:
    with pytest.raises(PocketBaseInputError, match=f"{name}: PocketBase {version}"):
        settings.legacy_settings(patch(body))


def test_a_test_email_is_sent_without_its_collection_if_its_template_exists() -> None:
    body = {"collection": "users", "email": "a@example.com", "template": "verification"}
    request = settings.legacy_test_email(Request("POST", "http://h/x", body=body))
    assert request.json() == {"email": "a@example.com", "template": "verification"}
    with pytest.raises(PocketBaseInputError, match="the e-mail template 'otp'"):
        settings.legacy_test_email(Request("POST", "http://h/x", body={**body, "template": "otp"}))


def test_logs_have_the_present_names_of_their_data() -> None:
    log = {"id": "l", "message": "m", "data": {"userIp": "1", "remoteIp": "2", "auth": "guest"}}
    current = {"id": "l", "message": "m", "data": {"userIP": "1", "remoteIP": "2", "auth": "guest"}}
    assert settings.current_log(log) == current
    assert settings.current_log({"id": "l"}) == {"id": "l"}
    assert settings.current_logs({"page": 1, "items": [log]}) == {"page": 1, "items": [current]}
