"""Parsers of responses."""

from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import PocketBaseDecodeError, PocketBaseNotFoundError, error_from_response, unexpected_response
from ..messages import Request, Response

S = TypeVar("S")


T = TypeVar("T")


def raise_for_status(response: Response) -> Response:
    """The answer, where it is no error.

    Raises:
        PocketBaseError: it is one.
    """
    if not 200 <= response.status_code < 300:
        raise error_from_response(response)
    return response


def reject_unrequested_part(request: Request, response: Response) -> Response:
    """The answer, unless it is a part and the request has no Range header.

    Raises:
        PocketBaseDecodeError: it is such a part.
    """
    if response.status_code == 206 and "Range" not in request.headers:
        part = response.headers.get("Content-Range", "without a Content-Range")
        message = f"the answer is only a part ({part}), and the request asked for all"
        raise PocketBaseDecodeError(response.url, 206, message=message)
    return response


def parse_any(response: Response) -> Any:
    """Any JSON value; None for an empty body.

    Raises:
        PocketBaseError: the answer is an error, or not JSON.
    """
    if not raise_for_status(response).content:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise unexpected_response(response, "JSON") from error


def parse_object(response: Response) -> dict[str, Any]:
    """A JSON object. Raises as `parse_any` does."""
    value = parse_any(response)
    if not isinstance(value, dict):
        raise unexpected_response(response, "a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def parse_list(response: Response) -> list[Any]:
    """A JSON list. Raises as `parse_any` does."""
    value = parse_any(response)
    if not isinstance(value, list):
        raise unexpected_response(response, "a JSON list")
    return value  # pyright: ignore[reportUnknownVariableType]


def requires_version(version: str, parse: Callable[[Response], T]) -> Callable[[Response], T]:
    """`parse`, for a route that older servers do not have: their 404 then names the version it came with."""

    def parse_or_explain(response: Response) -> T:
        try:
            return parse(response)
        except PocketBaseNotFoundError as error:
            if error.message in ("File not found.", "The requested resource wasn't found."):
                error.message = f"the server has no such route: it came with PocketBase {version}"
            raise

    return parse_or_explain


def parse_nothing(response: Response) -> None:
    """An answer without content. Raises as `parse_any` does."""
    parse_any(response)
