"""Lists in pages, whatever is in them."""

import re
from dataclasses import replace
from typing import Any, Generic, TypedDict, TypeVar, cast

from ..call import Call, parse_object
from ..errors import PocketBaseNotFoundError, decode_error
from ..messages import Response
from ..options import Options

T = TypeVar("T")
_ID_CUT = re.compile(r"(^|,)\s*(id|\*)\s*:")
# Within parentheses PocketBase reads comments and escapes in another way than outside of them.
_LEFT_ALONE = re.compile(r"//|\\")
_KEY = re.compile(r"[0-9A-Za-z_-]+")


class Page(TypedDict, Generic[T]):
    """One page of a list. Without totals, they are -1."""

    page: int
    perPage: int
    totalItems: int
    totalPages: int
    items: list[T]


def get_list(path: str, page: int, per_page: int, options: Options) -> Call[Page[dict[str, Any]]]:
    params = {"page": _count("page", page), "perPage": _count("per_page", per_page)}
    return options.call("GET", path, _parse_page, params)


def get_page(path: str, page: int, size: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """A page of a list that is read to its end, which needs no totals."""
    params = {"page": page, "perPage": _count("batch", size), "skipTotal": True}
    return options.call("GET", path, _parse_page, params)


def can_follow_ids(options: Options) -> bool:
    """Whether a list may be read in the order of ids: no option asks for another, or for ids cut short."""
    sort, where, fields = (options.params.get(name, "") for name in ("sort", "filter", "fields"))
    if not (isinstance(sort, str) and isinstance(where, str) and isinstance(fields, str)):
        return False
    return sort.strip() in ("", "id", "+id") and not _ID_CUT.search(fields)


def gives_id(options: Options) -> bool:
    """Whether `fields` leaves the id in."""
    fields = str(options.params.get("fields", ""))
    return not fields or not {"id", "*"}.isdisjoint(name.strip() for name in fields.split(","))


def get_page_by_id(path: str, page: int, size: int, options: Options, after: object) -> Call[Page[dict[str, Any]]]:
    """A page of a list in the order of ids: what comes `after` an id, or where that is no key, by its number.

    So each page costs the same, however deep it is, and none is shifted by what others create or delete. The records
    have an id, even if `fields` leaves it out. Where the options ask for another order, they have it.
    """
    if not can_follow_ids(options):
        return get_page(path, page, size, options)
    params = {**options.params, "sort": "id"}
    where = str(params.get("filter", ""))
    if not gives_id(options):
        params["fields"] = f"{params['fields']},id"
    if isinstance(after, str) and _KEY.fullmatch(after) and not _LEFT_ALONE.search(where):
        # The first page, which has the filter as it is, has shown that its parentheses match.
        params["filter"] = f'id > "{after}" && ({where})' if where else f'id > "{after}"'
        page = 1
    return get_page(path, page, size, replace(options, params=params))


def get_first(path: str, options: Options) -> Call[dict[str, Any]]:
    call = get_page(path, 1, 1, options)

    def parse(response: Response) -> dict[str, Any]:
        items = _parse_page(response)["items"]
        if not items:
            message = "The requested resource wasn't found."
            raise PocketBaseNotFoundError(response.url, 404, {"status": 404, "message": message, "data": {}})
        return items[0]

    return call.parsed_by(parse)


def _parse_page(response: Response) -> Page[dict[str, Any]]:
    page = parse_object(response)
    items = cast("list[Any] | None", page.get("items"))
    if not isinstance(items, list) or {*map(type, items)} - {dict} or not isinstance(page.get("perPage"), int):
        raise decode_error(response, "a page of a list")
    return cast("Page[dict[str, Any]]", page)


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} starts at 1, not {value}")
    return value
