"""The body of a request: a JSON value, or raw content that is sent as it is."""

import inspect
import re
from collections.abc import AsyncIterable, Iterator
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .headers import Headers
from .json_values import freeze_json
from .uploads import File, FileUpload

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']*)""", re.IGNORECASE)
_JSON_TYPE = re.compile(r"application/json|[^/]+/[^/]+\+json")


def freeze_body(body: Any) -> Any:
    """Return the immutable form of a body.

    Args:
        body: A JSON value, which becomes a read-only copy; bytes; an async iterable of bytes, an object whose `read` is
            a coroutine function, or a FileUpload of one file, which become a `File`.

    Raises:
        TypeError: If the body is of none of these types.
        ValueError: If the JSON value cannot be represented, or the FileUpload has several files.
    """
    if isinstance(body, dict):
        return freeze_json(body)
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(body, File):
        return body
    if isinstance(body, FileUpload):
        if len(body.files) != 1:
            raise PocketBaseInputError("a body can be a FileUpload of one file only; pass several in a dict, by field")
        return body.files[0]
    if isinstance(body, AsyncIterable) or inspect.iscoroutinefunction(getattr(body, "read", None)):
        return FileUpload(("body", body, "")).files[0]
    if hasattr(body, "read"):
        raise PocketBaseInputTypeError(
            f"the body must not be an open file ({type(body).__name__}); pass FileUpload(file), "
            "or FileUpload((filename, file)) if the file has no name"
        )
    if isinstance(body, Iterator):
        kind = type(body).__name__  # pyright: ignore[reportUnknownArgumentType]
        raise PocketBaseInputTypeError(
            f"the body must not be a {kind}; pass an async iterator of bytes, or a list to send as JSON"
        )
    return freeze_json(body)


def encode_text(text: str, content_type: str) -> bytes:
    """Return a text as UTF-8, to be sent as it is.

    Raises:
        ValueError: If the Content-Type names another charset, or the text is not valid Unicode.
    """
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8"):
        raise PocketBaseInputError(f"text is sent as UTF-8, not as {charset[1]!r}; encode the body, and pass the bytes")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise PocketBaseInputError("the body holds a lone surrogate, which is not valid Unicode text") from error


def check_content_type(headers: Headers, body: Any, files: tuple[tuple[str, File], ...]) -> None:
    """Check that a body can be sent with the Content-Type of the caller.

    Args:
        headers: The caller's headers.
        body: The body, as `freeze_body` returns it.
        files: The files beside the body.

    Raises:
        TypeError: If raw content has no Content-Type, or has files beside it.
        ValueError: If a JSON value has another Content-Type.
    """
    if isinstance(body, (bytes, File)):
        if files:
            raise PocketBaseInputTypeError("with files in the request, the body must be a JSON value")
        if not headers.get("Content-Type") and not getattr(body, "content_type", ""):
            raise PocketBaseInputTypeError(
                "a raw body needs a Content-Type, such as headers={'Content-Type': 'application/octet-stream'}"
            )
    elif body is not None and "Content-Type" in headers:
        content_type = headers["Content-Type"]
        media_type = content_type.partition(";")[0].strip().lower()
        if not _JSON_TYPE.fullmatch(media_type) and not (files and media_type == "multipart/form-data"):
            raise PocketBaseInputError(
                f"the body is sent as JSON, which is not {content_type!r}; bytes are sent as they are"
            )
