"""The option `fields`, applied to a value that was translated after the server had returned it.

A response of PocketBase 0.22 has other names. So the server is asked for all fields, and the caller's fields are picked
from the translated value.
"""

from typing import Any

from ...calls.legacy_refusal import refuse
from ...messages import Request
from ...messages.json_values import as_list, as_object


def without_fields(request: Request) -> Request:
    """Return a request without the option `fields`."""
    return request.replace(params={key: value for key, value in request.params.items() if key != "fields"})


def pick(request: Request, value: Any) -> Any:
    """Return the part of a value that the option `fields` of a request names, as the server would pick it.

    Raises:
        PocketBaseInputError: If a field has a modifier.
    """
    fields = request.params.get("fields", "")
    fields = fields if isinstance(fields, str) else next(iter(fields), "")
    paths = [name.strip().split(".") for name in fields.split(",") if name.strip()]
    if not paths:
        return value
    if {"page", "items"} <= (page := as_object(value)).keys():
        return {**page, "items": [_pick(item, paths) for item in page["items"]]}
    return _pick(value, paths)


def check_fields(request: Request) -> None:
    """Raise a PocketBaseInputError if a field has a modifier, such as `:excerpt(3)`."""
    if ":" in str(request.params.get("fields", "")):
        raise refuse("a modifier in the option 'fields' for this route", "0.23")


def _pick(value: Any, paths: list[list[str]]) -> Any:
    if items := as_list(value):
        return [_pick(item, paths) for item in items]
    if not (fields := as_object(value)) or ["*"] in paths:
        return value
    picked: dict[str, Any] = {}
    for key, child in fields.items():
        below = [path[1:] for path in paths if path[0] in (key, "*")]
        if below:
            picked[key] = child if [] in below else _pick(child, below)
    return picked
