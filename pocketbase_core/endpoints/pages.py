"""Lists in pages: of records, collections and logs."""

from numbers import Integral
from typing import Any, Generic, TypedDict, TypeVar, cast

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import explains_query, parse_object
from ..errors import PocketBaseDecodeError, PocketBaseNotFoundError, unexpected_response
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages import Response
from ..pydantic_support import support_pydantic

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """One page of a list, as the server returns it: a dict, whose `items` are those of the page."""

    page: int
    """The number of the page; the first is 1."""
    perPage: int
    """The size of the pages, which may be smaller than requested: the server has a maximum."""
    totalItems: int
    """The number of items of the list; -1 with the option `skip_total`."""
    totalPages: int
    """The number of pages of the list; -1 with the option `skip_total`."""
    items: list[T]
    """The items of this page."""


support_pydantic(Page)


def get_list(path: str, page: int, per_page: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """Build the call for one page of a list."""
    params = {"page": _positive_int("page", page), "perPage": _positive_int("per_page", per_page)}
    return Call.build("GET", path, explains_query(options.params, _parse_page), options, params)


def get_page(path: str, page: int, size: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """Build the call for a page of a list that is read to its end, and therefore needs no totals.

    Its parser raises PocketBaseDecodeError for another page, which a cache may return.
    """
    params = {"page": page, "perPage": _positive_int("batch", size), "skipTotal": True}
    parse_page = explains_query(options.params, _parse_page)

    def parse(response: Response) -> Page[dict[str, Any]]:
        parsed = parse_page(response)
        if (number := parsed.get("page", page)) != page:
            raise unexpected_page(response, f"expected page {page} of the list, got page {number!r:.40}")
        return parsed

    return Call.build("GET", path, parse, options, params)


def with_page_size(call: Call[Page[dict[str, Any]]], size: int | None) -> Call[Page[dict[str, Any]]]:
    """Return the call of a page with a check of its size.

    The parser raises PocketBaseDecodeError for a page of another size: page numbers would then skip or repeat records.

    Args:
        call: The call for the page.
        size: The `perPage` of the pages before; None for the first page, which may have any size.
    """

    def parse(response: Response) -> Page[dict[str, Any]]:
        page = call.parse(response)
        if size is not None and page["perPage"] != size:
            raise unexpected_page(response, f"expected a page of {size} records, got one of {page['perPage']}")
        return page

    return call.with_parser(parse)


def is_last(page: Page[Any]) -> bool:
    """Return whether a page is the last of its list: it has fewer items than the size of the pages.

    This is the size of the response, because the server may reduce the requested one.
    """
    return not page["items"] or len(page["items"]) < page["perPage"]


def unexpected_page(response: Response, problem: str) -> PocketBaseDecodeError:
    """Return the error for a page that does not continue the list."""
    message = f"{problem}; did a cache respond in place of the server?"
    return PocketBaseDecodeError(response.url, response.status_code, message=message)


def get_first(path: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for the first item of a list. Its parser raises PocketBaseNotFoundError if the list is empty."""
    call = get_page(path, 1, 1, options)

    def parse(response: Response) -> dict[str, Any]:
        items = call.parse(response)["items"]
        if not items:
            message = "The requested resource wasn't found."
            error = PocketBaseNotFoundError(response.url, 404, {"status": 404, "message": message, "data": {}})
            error.add_note("The list is empty: nothing matches, or this user may not see what does.")
            raise error
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
    # An integer of numpy is one too. The first test is there because the others are slow.
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, Integral)):
        raise PocketBaseInputTypeError(f"{name} must be an integer, not {value!r}; pass options by keyword")
    if value < 1:
        raise PocketBaseInputError(f"{name} must be 1 or more, not {value}")
    return int(value)
