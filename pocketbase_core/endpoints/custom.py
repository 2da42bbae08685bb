"""Routes that the server's own hooks add."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_any, raise_for_status
from ..calls.paths import custom_path
from ..calls.record_body import split_files
from ..input_errors import PocketBaseInputError
from ..messages import Response
from ..messages.body import encode_text
from ..messages.instances import fields_of
from ..messages.uploads import File

T = TypeVar("T")

_parse_json = partial(parse_any, advice="send_raw returns any body")


def send(path: str, options: Options) -> Call[Any]:
    """Build the call for a custom route that returns JSON, with the options of `SendOptions`.

    Raises:
        TypeError: If the body cannot be sent, or has no Content-Type.
        ValueError: If the method or the path is not valid, or a GET or HEAD request has a body.
    """
    return _build(path, options, _parse_json)


def send_raw(path: str, options: Options) -> Call[Response]:
    """Build the call for a custom route that returns anything. The options and the errors are those of `send`."""
    return _build(path, options, raise_for_status)


def _build(path: str, options: Options, parse: Callable[[Response], T]) -> Call[T]:
    method = options.method_options.get("method", "GET")
    if not isinstance(method, str) or not (method.isascii() and method.isalpha()):
        raise PocketBaseInputError(f"{method!r} is not a valid HTTP method")
    body = options.method_options.get("body")
    files: tuple[tuple[str, File], ...] = ()
    fields = body if isinstance(body, Mapping) else fields_of(body)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(fields, Mapping):
        body, files = split_files(fields)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(body, str) and (content_type := options.headers.get("Content-Type")):
        body = encode_text(body, content_type)
    return Call.build(method.upper(), custom_path(path), parse, options, body=body, files=files)
