"""The settings, their test e-mail, and the logs."""

from typing import Any

from ...calls.legacy_refusal import refuse
from ...messages import Request
from ...messages.json_values import as_list, as_object

_REDACTED = "******"
_RENAMED = {("meta", "appURL"): "appUrl", ("logs", "logIP"): "logIp"}
"""Settings by section and name, each with its name in 0.22."""
_NEWER = {
    "batch": "0.23",
    "rateLimits": "0.23",
    "trustedProxy": "0.23",
    "superuserIPs": "0.38",
    ("meta", "accentColor"): "0.37",
    ("logs", "logAuthId"): "0.23",
    ("logs", "maxDataSize"): "0.40",
}
_TEMPLATES = ("verification", "password-reset", "email-change")
LOG_NAMES = {"data.userIP": "data.userIp", "data.remoteIP": "data.remoteIp"}
"""Names in filters of logs, each with its name in 0.22."""


def current_settings(settings: Any) -> Any:
    """Return settings under their present names, and without secrets, which are not returned since 0.23."""
    current: dict[str, Any] = _without_secrets(as_object(settings))
    for (section, name), legacy in _RENAMED.items():
        values = as_object(current.get(section))
        if legacy in values:
            others = {key: value for key, value in values.items() if key != legacy}
            current[section] = {**others, name: values[legacy]}
    return current


def legacy_settings(request: Request) -> Request:
    """Return a change of settings with the names of PocketBase 0.22.

    Raises:
        PocketBaseInputError: If PocketBase 0.22 has no such setting.
    """
    body: dict[str, Any] = {}
    for section, values in as_object(request.json()).items():
        if section in _NEWER:
            raise refuse(f"the settings {section!r}", _NEWER[section])
        names = as_object(values)
        for name in names:
            if (section, name) in _NEWER:
                raise refuse(f"the setting {section}.{name}", _NEWER[section, name])
        body[section] = {_RENAMED.get((section, name), name): names[name] for name in names} or values
    return request.replace(body=body)


def legacy_test_email(request: Request) -> Request:
    """Return the request for a test e-mail. The templates of PocketBase 0.22 are those of all collections.

    Raises:
        PocketBaseInputError: If PocketBase 0.22 has no such template.
    """
    body = as_object(request.json())
    if body.get("template") not in _TEMPLATES:
        raise refuse(f"the e-mail template {body.get('template')!r}", "0.23")
    return request.replace(body={key: value for key, value in body.items() if key != "collection"})


def current_log(log: Any) -> Any:
    """Return a log with the present names of its data."""
    log = as_object(log)
    renamed = {old.removeprefix("data."): new.removeprefix("data.") for new, old in LOG_NAMES.items()}
    data = {renamed.get(key, key): value for key, value in as_object(log.get("data")).items()}
    return {**log, "data": data} if "data" in log else log


def current_logs(page: Any) -> Any:
    """Return a page of logs with the present names of their data."""
    return {**as_object(page), "items": [*map(current_log, as_list(as_object(page).get("items")))]}


def _without_secrets(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_secrets(section) if (section := as_object(value)) else value
        for key, value in settings.items()
        if value != _REDACTED
    }
