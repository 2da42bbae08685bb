"""The options of service methods, as a dict or as keyword arguments: query parameters, headers, timeout."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, MappingProxyType
from typing import Annotated, Any, NamedTuple, TypedDict

from ..input_errors import PocketBaseInputError
from ..messages import Headers
from ..messages.headers import NO_HEADERS
from ..peer_names import advice
from ..suggestions import closest
from .query import encode_query, option_to_query, to_text
from .timeout import USE_CLIENT_DEFAULT, Timeout, check_timeout, timeout_or

OptionsArg = Mapping[str, Any] | None
"""Options as a dict, the last positional argument of each method; the same keys are keyword arguments."""


class CommonOptions(TypedDict, total=False):
    """Options of every method."""

    params: Annotated[Mapping[str, Any], "More query parameters. None is left out, and a list repeats its key."]
    headers: Annotated[Mapping[str, str], "More headers. They replace the client's headers of the same name."]
    timeout: Annotated[
        float | None,
        "The limit in seconds for the whole call; None is no limit. The default is the client's timeout.",
    ]


class RecordOptions(CommonOptions, total=False):
    """Options of methods that return records."""

    expand: Annotated[
        str | Sequence[str],
        'Relations whose records are included, such as `"author,comments_via_post"`.',
    ]
    fields: Annotated[str | Sequence[str], 'Fields to return, such as `"id,title"`. The default is all fields.']


class AuthOptions(CommonOptions, total=False):
    """Options of methods of an auth collection that send a body."""

    body: Annotated[
        Mapping[str, Any],
        "More fields of the body, such as a captcha that a hook of the server checks: JSON values, no files.",
    ]


class SignInOptions(RecordOptions, AuthOptions, total=False):
    """Options of methods that return a token and a record. `fields` must include both."""


class FirstOptions(RecordOptions, total=False):
    """Options of methods that return the first record of a list."""

    filter: Annotated[str, "A filter expression. `pb.filter` writes values into one safely."]
    sort: Annotated[str | Sequence[str], 'Fields to sort by, such as `"-created,id"`; a minus means descending.']


class ListOptions(FirstOptions, total=False):
    """Options of methods that return one page of a list."""

    skip_total: Annotated[bool, "True makes the server leave out the totals, which is faster. They are -1 then."]


class FullListOptions(FirstOptions, total=False):
    """Options of methods that return a list to its end."""

    batch: Annotated[int, "Records for each request. The default is 1000."]


class LiveOptions(FirstOptions, total=False):
    """Options of live queries."""

    limit: Annotated[
        int | None,
        "The length of the list, from 1: only its first records. None is no limit, and the default.",
    ]
    watch: Annotated[
        str | Sequence[str],
        "Other collections whose changes matter, such as those of relations in `filter`, or the tables of a view.",
    ]


class FileOptions(CommonOptions, total=False):
    """Options of methods that return a stored file, or its URL."""

    thumb: Annotated[str, 'The size of a thumbnail of an image, such as `"100x100"`.']
    token: Annotated[str, "A file token, which protected files require."]
    download: Annotated[bool, "True makes a browser save the file instead of showing it."]


class SubscribeOptions(RecordOptions, total=False):
    """Options of realtime subscriptions."""

    filter: Annotated[str, "A filter expression: only events of records that match are sent."]
    on_gap: Annotated[Callable[[Any], object], "A function that is called with a `Gap` when events may be missing."]


class RestoreOptions(CommonOptions, total=False):
    """Options of restoring a backup."""

    wait: Annotated[
        bool,
        "True makes the call wait until the restored server responds, for `timeout` seconds; by default, 5 minutes.",
    ]


class SendOptions(CommonOptions, total=False):
    """Options of custom routes."""

    method: Annotated[str, "The HTTP method. The default is GET."]
    body: Annotated[
        Any,
        "A JSON value, or an instance of a dataclass, a pydantic model or a msgspec Struct. A dict or an instance "
        "may hold `FileUpload`s and is then sent as multipart/form-data. With a Content-Type in `headers`, text, "
        "bytes and an async iterable of bytes are sent as they are. So is a `FileUpload` of one file, whose own "
        "content type is the default.",
    ]


_QUERY_NAMES = {name: name for name in ("filter", "sort", "expand", "fields", "thumb", "token", "download")}
_QUERY_NAMES["skip_total"] = "skipTotal"


class Options(NamedTuple):
    """The checked options of one call."""

    params: Mapping[str, str | tuple[str, ...]]
    """The query parameters, as text; a tuple repeats its key."""
    headers: Headers
    timeout: Timeout
    method_options: Mapping[str, Any]
    """The options that the method itself uses and does not send as they are, such as `batch` and `on_gap`."""

    def with_params(self, params: Mapping[str, str | tuple[str, ...]]) -> "Options":
        """Return the options with other query parameters."""
        return self._replace(params=params)

    def timeout_or(self, default: float | None) -> float | None:
        """Return the caller's timeout in seconds (None: no limit), or `default` if the caller gave none."""
        return timeout_or(self.timeout, default)


_NO_OPTIONS = Options(MappingProxyType({}), NO_HEADERS, USE_CLIENT_DEFAULT, MappingProxyType({}))


def parse_options(options_type: type, options: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Options:
    """Return the options that a method was called with.

    Args:
        options_type: The TypedDict whose keys the method accepts.
        options: The options that were passed as a dict.
        keywords: The options that were passed by keyword.

    Raises:
        TypeError: If a key is unknown or was passed twice, or a value is of the wrong type.
        ValueError: If a value is out of range, or `params` contains what an option sets too.
    """
    if options is None and not keywords:
        return _NO_OPTIONS
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options must be a dict, not {type(options).__name__}")
    if duplicates := sorted((options or {}).keys() & keywords.keys()):
        raise TypeError(f"options must be passed once, in the dict or by keyword: {', '.join(duplicates)}")
    merged = {**(options or {}), **keywords}
    known: frozenset[str] = getattr(options_type, "__optional_keys__")
    if unknown := [key for key in merged if key not in known]:
        raise _unknown_option(unknown, known, _calling_method())

    query: dict[str, str | tuple[str, ...]] = {}
    for name in [*merged]:
        if name in _QUERY_NAMES and (value := option_to_query(name, merged.pop(name))) is not None:
            key = _QUERY_NAMES[name]
            query[key] = to_text(key, value)
    if more := merged.pop("params", None):
        params = encode_query(more)
        if duplicates := sorted(params.keys() & query.keys()):
            raise PocketBaseInputError(f"params must not contain {duplicates}, which is set by an option too")
        query |= params
    headers = merged.pop("headers", None)
    timeout = check_timeout(merged.pop("timeout")) if "timeout" in merged else USE_CLIENT_DEFAULT
    return Options(query, Headers(headers) if headers else NO_HEADERS, timeout, merged)


def parse_leading(
    options_type: type,
    name: str,
    leading: str | int | Mapping[str, Any] | None,
    options: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
) -> Options:
    """Return the options of a method whose first positional argument is one of them, or the dict.

    Args:
        options_type: The TypedDict whose keys the method accepts.
        name: The option that may come first.
        leading: The first positional argument: the value of that option, or the options as a dict.
        options: The options that were passed as a dict after it.
        keywords: The options that were passed by keyword.

    Raises:
        TypeError: If an option or the dict was passed twice; see also `parse_options`.
        ValueError: See `parse_options`.
    """
    if leading is not None and not isinstance(leading, Mapping):
        if name in keywords:
            raise TypeError(f"options must be passed once: {name} is the first argument and a keyword")
        return parse_options(options_type, options, {**keywords, name: leading})
    if leading is not None and options is not None:
        raise TypeError("options must be passed once, but there are two dicts")
    return parse_options(options_type, options if leading is None else leading, keywords)


def _calling_method() -> CodeType:
    """Return the code of the method whose options are parsed."""
    frame: Any = getattr(sys, "_getframe")()
    while frame.f_globals is globals():
        frame = frame.f_back
    code: CodeType = frame.f_code
    return code


def _unknown_option(unknown: Sequence[object], known: frozenset[str], method: CodeType) -> TypeError:
    """Return the error for unknown options.

    Args:
        unknown: The names of the options.
        known: The names of the options that the method has.
        method: The method, whose parameters may be what was meant.
    """
    parameters = method.co_varnames[method.co_posonlyargcount : method.co_argcount]  # those that have a name
    name = str(unknown[0])
    hint = advice("options", name)
    if hint is None and (similar := closest(name, {*known, *parameters} - {"self", "options"})):
        hint = f"did you mean {similar!r}?"
    names = f"known here: {', '.join(sorted(known))}"
    return TypeError(f"unknown option {', '.join(map(repr, unknown))}; {names if hint is None else hint}")


def check_max_response_bytes(size: int | None) -> int | None:
    """Return a limit in bytes for responses; None is no limit.

    Raises:
        TypeError: If `size` is not an integer.
        ValueError: If `size` is below 1.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise TypeError(f"max_response_bytes must be an integer or None, not {size!r}")
    if size is not None and size < 1:
        raise ValueError(f"max_response_bytes must be above 0, not {size}; None is no limit")
    return size
