"""Routes that the server's own hooks add."""

from collections.abc import Mapping
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_any
from ..calls.paths import custom_path
from ..calls.record_body import split_files
from ..input_errors import PocketBaseInputError
from ..messages.uploads import File


def send(path: str, options: Options) -> Call[Any]:
    """Build the call for a custom route, with the options of `SendOptions`.

    Raises:
        TypeError: If the body has no JSON form.
        ValueError: If the method or the path is not valid, or a GET or HEAD request has a body.
    """
    method = options.method_options.get("method", "GET")
    if not isinstance(method, str) or not (method.isascii() and method.isalpha()):
        raise PocketBaseInputError(f"{method!r} is not a valid HTTP method")
    body = options.method_options.get("body")
    files: tuple[tuple[str, File], ...] = ()
    if isinstance(body, Mapping):
        body, files = split_files(body)  # pyright: ignore[reportUnknownArgumentType]
    if body is not None and method.upper() in ("GET", "HEAD"):
        raise PocketBaseInputError(f"a {method.upper()} request must not have a body")
    return Call.build(method.upper(), custom_path(path), parse_any, options, body=body, files=files)
