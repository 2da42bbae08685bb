"""Parsers: functions from a response to its value, or to the error that the response stands for."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import (
    PocketBaseBadRequestError,
    PocketBaseDecodeError,
    PocketBaseNotFoundError,
    error_from_response,
    unexpected_response,
)
from ..messages import Request, Response
from ..messages.json_values import decode_json

T = TypeVar("T")

_NOTES = {
    (400, "Failed to create record."): "The usual cause is a record that the create rule of the collection rejects.",
    (403, "Only superusers can perform this action."): (
        "The API rule of the collection for this action is not set, which allows it to superusers only."
    ),
}
"""Notes for errors whose message does not say what to do, by status and message of PocketBase."""


def is_legacy_error(status: int, body: Mapping[str, Any]) -> bool | None:
    """Return whether an error is one of PocketBase 0.22 or older; None if PocketBase does not write such errors."""
    for key, is_legacy in (("code", True), ("status", False)):
        if {*body} == {key, "message", "data"} and body[key] == status:
            return is_legacy
    return None


def raise_for_status(response: Response) -> Response:
    """Return the response if its status is 2xx.

    Raises:
        PocketBaseError: If the response has any other status.
    """
    if not 200 <= response.status_code < 300:
        error = error_from_response(response)
        if error.status == 404 and is_legacy_error(404, error.data):
            error.message += " (this is PocketBase 0.22 or older: server_version='0.22')"
        if (note := _NOTES.get((error.status, error.message))) and not error.field_errors:
            error.add_note(note)
        raise error
    return response


def reject_unrequested_partial_content(request: Request, response: Response) -> Response:
    """Return the response, unless it is partial content (206) and the request has no Range header.

    Raises:
        PocketBaseDecodeError: If the response is partial content that was not requested.
    """
    if response.status_code == 206 and "Range" not in request.headers:
        content_range = response.headers.get("Content-Range", "without a Content-Range")
        message = f"the response is only a part ({content_range}), and the request asked for all"
        raise PocketBaseDecodeError(response.url, 206, message=message)
    return response


def parse_any(response: Response, advice: str | None = None) -> Any:
    """Return the JSON value of a response; None if its body is empty.

    Raises:
        PocketBaseError: If the response is an error.
        PocketBaseDecodeError: If the body is not JSON. The message ends in `advice`.
    """
    if not 200 <= response.status_code < 300:
        raise_for_status(response)
    if not response.content:
        return None
    try:
        return decode_json(response.content, response.loads)
    except (ValueError, RecursionError) as error:
        cause = error.with_traceback(None)  # the frames of the decoder say no more
        raise unexpected_response(response, "JSON", advice) from cause


def parse_object(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response.

    Raises:
        PocketBaseError: If the response is an error.
        PocketBaseDecodeError: If the body is not a JSON object.
    """
    value = parse_any(response)
    if not isinstance(value, dict):
        raise unexpected_response(response, "a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def parse_list(response: Response) -> list[Any]:
    """Return the JSON list of a response.

    Raises:
        PocketBaseError: If the response is an error.
        PocketBaseDecodeError: If the body is not a JSON list.
    """
    value = parse_any(response)
    if not isinstance(value, list):
        raise unexpected_response(response, "a JSON list")
    return value  # pyright: ignore[reportUnknownVariableType]


def parse_nothing(response: Response) -> None:
    """Check that a response is a success with JSON or without a body, and return None. Raises as `parse_any` does."""
    parse_any(response)


def requires_version(version: str, parse: Callable[[Response], T]) -> Callable[[Response], T]:
    """Return `parse` for a route that servers before `version` do not have: the error of their 404 names the version.

    PocketBase has two messages for a path without a route. A 404 about a record has another one, and is left alone.
    """

    def parse_or_explain(response: Response) -> T:
        try:
            return parse(response)
        except PocketBaseNotFoundError as error:
            if error.message in ("File not found.", "The requested resource wasn't found."):
                error.message = f"the server has no such route, which came with PocketBase {version}"
            raise

    return parse_or_explain


def explains_query(params: Mapping[str, object], parse: Callable[[Response], T]) -> Callable[[Response], T]:
    """Return `parse` for a list: if the server rejects the filter or the sort, the error has a note that says so.

    PocketBase itself does not say why: it has one message for a field that does not exist, for a syntax error, and for
    failures of its own.

    Args:
        params: The query parameters of the call.
        parse: The parser of the call.
    """
    # Every collection has an id, and reading a list to its end sorts by it.
    names = " or ".join(f"`{name}`" for name in ("filter", "sort") if params.get(name) not in (None, "id"))
    if not names:
        return parse

    def parse_or_explain(response: Response) -> T:
        try:
            return parse(response)
        except PocketBaseBadRequestError as error:
            if error.message == "Something went wrong while processing your request." and not error.field_errors:
                error.add_note(f"The usual cause is an unknown or hidden field, or a syntax error, in {names}.")
            raise

    return parse_or_explain
