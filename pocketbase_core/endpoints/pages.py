"""Lists in pages, whatever is in them."""

from typing import Any, Generic, TypedDict, TypeVar, cast

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_object
from ..errors import PocketBaseDecodeError, PocketBaseNotFoundError, unexpected_response
from ..messages import Response

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """One page of a list. Without totals, they are -1."""

    page: int
    perPage: int
    totalItems: int
    totalPages: int
    items: list[T]


def get_list(path: str, page: int, per_page: int, options: Options) -> Call[Page[dict[str, Any]]]:
    params = {"page": _positive_int("page", page), "perPage": _positive_int("per_page", per_page)}
    return options.call("GET", path, _parse_page, params)


def get_page(path: str, page: int, size: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """Build the call for a page of a list that is read to its end, which needs no totals.

    Its parser raises PocketBaseDecodeError for another page than this one, as a cache may answer.
    """
    params = {"page": page, "perPage": _positive_int("batch", size), "skipTotal": True}

    def parse(response: Response) -> Page[dict[str, Any]]:
        found = _parse_page(response)
        if (number := found.get("page", page)) != page:
            raise unexpected_page(response, f"asked for page {page} of the list, got page {number!r:.40}")
        return found

    return options.call("GET", path, parse, params)


def with_page_size(call: Call[Page[dict[str, Any]]], size: int | None) -> Call[Page[dict[str, Any]]]:
    """Return the call for a page that follows others of `size` records; the first page has None.

    Its parser raises PocketBaseDecodeError for a page of another size: page numbers would then skip or repeat records.
    """

    def parse(response: Response) -> Page[dict[str, Any]]:
        page = call.parse(response)
        if size is not None and page["perPage"] != size:
            raise unexpected_page(response, f"the list is in pages of {size} records, got one of {page['perPage']}")
        return page

    return call.with_parser(parse)


def is_last(page: Page[Any]) -> bool:
    """Return whether a page ends the list: it has fewer records than the server puts on a page.

    The server may put fewer on a page than it was asked for.
    """
    return not page["items"] or len(page["items"]) < page["perPage"]


def unexpected_page(response: Response, what: str) -> PocketBaseDecodeError:
    """Return the error for a page that does not continue the list."""
    message = f"{what}; does a cache answer in place of the server?"
    return PocketBaseDecodeError(response.url, response.status_code, message=message)


def get_first(path: str, options: Options) -> Call[dict[str, Any]]:
    call = get_page(path, 1, 1, options)

    def parse(response: Response) -> dict[str, Any]:
        items = _parse_page(response)["items"]
        if not items:
            message = "The requested resource wasn't found."
            raise PocketBaseNotFoundError(response.url, 404, {"status": 404, "message": message, "data": {}})
        return items[0]

    return call.with_parser(parse)


def _parse_page(response: Response) -> Page[dict[str, Any]]:
    page = parse_object(response)
    items = cast("list[Any] | None", page.get("items"))
    size = page.get("perPage")
    if not isinstance(items, list) or {*map(type, items)} - {dict} or not isinstance(size, int) or size < 1:
        raise unexpected_response(response, "a page of a list")
    return cast("Page[dict[str, Any]]", page)


def _positive_int(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} starts at 1, not {value}")
    return value
