"""The options of service methods, as a dict or as keyword arguments: query parameters, headers, timeout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict, TypeVar

from ..messages import Headers, Request, Response
from ..messages.uploads import File
from .call import USE_CLIENT_DEFAULT, Call, Timeout, timeout_or
from .query import encode_query, join_list

T = TypeVar("T")
OptionsArg = Mapping[str, Any] | None
"""Options as a dict, the last positional argument of each method; the same keys are keyword arguments."""


class CommonOptions(TypedDict, total=False):
    """For every method: extra query parameters, headers, and seconds for the whole call (None is no limit)."""

    params: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout: float | None


class RecordOptions(CommonOptions, total=False):
    """Options of calls that return records: the relations to expand, the fields to return."""

    expand: str | Sequence[str]
    fields: str | Sequence[str]


class FullListOptions(RecordOptions, total=False):
    """For lists that are read to their end; `batch` records a request."""

    filter: str
    sort: str | Sequence[str]
    batch: int


class FirstOptions(RecordOptions, total=False):
    """For the first of a list."""

    filter: str
    sort: str | Sequence[str]


class ListOptions(FirstOptions, total=False):
    """For one page of a list; without totals it is faster."""

    skip_total: bool


class FileOptions(CommonOptions, total=False):
    """For files: a thumbnail's size, a file token, and whether browsers should save it instead of showing it."""

    thumb: str
    token: str
    download: bool


class SubscribeOptions(RecordOptions, total=False):
    """For subscriptions; `on_gap` is called where events may be missing."""

    filter: str
    on_gap: Callable[[Any], object]


class RestoreOptions(CommonOptions, total=False):
    """For restoring a backup; `wait` until the restored server answers, as long as `timeout` allows, else 5 minutes."""

    wait: bool


class SendOptions(CommonOptions, total=False):
    """For custom routes."""

    method: str
    body: Any


_QUERY = {name: name for name in ("filter", "sort", "expand", "fields", "thumb", "token", "download")}
_QUERY["skip_total"] = "skipTotal"


@dataclass(frozen=True, slots=True)
class Options:
    """Checked options: what goes on the wire, and in `method_options` those that the method itself reads."""

    params: Mapping[str, str | tuple[str, ...]]
    headers: Headers
    timeout: Timeout
    method_options: Mapping[str, Any]

    def timeout_or(self, default: float | None) -> float | None:
        """Return the caller's timeout in seconds (None: no limit), or `default` if the caller gave none."""
        return timeout_or(self.timeout, default)

    def call(
        self,
        method: str,
        path: str,
        parse: Callable[[Response], T],
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        files: tuple[tuple[str, File], ...] = (),
    ) -> Call[T]:
        """A call with these options; `params` are the method's own."""
        together = self.params
        if params:
            own = encode_query(params)
            if double := own.keys() & self.params.keys():
                raise ValueError(f"params holds {sorted(double)}, which this method sets itself")
            together = {**own, **self.params}
        request = Request(method, path, together, self.headers, body, files)
        return Call(request, parse, self.timeout)


_NO_OPTIONS = Options(MappingProxyType({}), Headers(), USE_CLIENT_DEFAULT, MappingProxyType({}))


def parse_options(options_type: type, options: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Options:
    """The options that a method of this kind was given.

    Raises:
        TypeError: an unknown or doubled key, or a value of the wrong type.
        ValueError: a value out of range.
    """
    if options is None and not keywords:
        return _NO_OPTIONS
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options must be a dict, not {type(options).__name__}")
    if double := sorted((options or {}).keys() & keywords.keys()):
        raise TypeError(f"given twice, in options and by keyword: {', '.join(double)}")
    merged = {**(options or {}), **keywords}
    known: frozenset[str] = getattr(options_type, "__optional_keys__")
    if unknown := [key for key in merged if key not in known]:
        raise TypeError(f"unknown option {', '.join(map(repr, unknown))}; known here: {', '.join(sorted(known))}")

    extra = encode_query(merged.pop("params", None) or {})
    named = encode_query({_QUERY[key]: join_list(key, merged.pop(key)) for key in [*merged] if key in _QUERY})
    if double := sorted(extra.keys() & named.keys()):
        raise ValueError(f"params holds {double}, which is set by an option too")
    headers: Mapping[str, str] = merged.pop("headers", None) or {}
    timeout = check_timeout(merged.pop("timeout")) if "timeout" in merged else USE_CLIENT_DEFAULT
    return Options({**named, **extra}, Headers(headers), timeout, merged)


def check_timeout(timeout: float | None) -> float | None:
    """A timeout in seconds that can be kept."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be seconds or None, not {timeout!r}")
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be above 0, not {timeout}; None is no limit")
    return float(timeout)


def check_size(size: int | None) -> int | None:
    """A limit in bytes."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise TypeError(f"max_response_bytes must be a whole number or None, not {size!r}")
    if size is not None and size < 1:
        raise ValueError(f"max_response_bytes must be above 0, not {size}; None is no limit")
    return size
