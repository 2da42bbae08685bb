"""A record's body, taken apart: JSON here, files there."""

from collections.abc import Mapping
from typing import Any

from .uploads import File, FileUpload


def split_files(body: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """The values, and `(field, file)` for each file. A list may mix the names of stored files with uploads.

    Raises:
        TypeError: the body is not a dict.
    """
    if not isinstance(body, Mapping):
        raise TypeError(f"a body must be a dict, not {type(body).__name__}")
    values: dict[str, Any] = {}
    files: list[tuple[str, File]] = []
    for key, value in body.items():
        items: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore
        uploads = [item for item in items if isinstance(item, FileUpload)]
        if not uploads or not isinstance(key, str):
            values[key] = value
            continue
        files += [(key, file) for upload in uploads for file in upload.files]
        if kept := [item for item in items if not isinstance(item, FileUpload)]:
            values[key] = kept
    return values, tuple(files)


def record_body(body: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """As `split_files`; a new password is confirmed by itself, as the server asks for it twice."""
    values, files = split_files(body)
    if "password" in values:
        values.setdefault("passwordConfirm", values["password"])
    return values, files
