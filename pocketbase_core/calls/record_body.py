"""A record's body, taken apart: JSON here, files there."""

from collections.abc import Mapping
from typing import Any

from ..messages.uploads import File, FileUpload


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
    """Split a record's body as `split_files` does.

    Raises:
        ValueError: the server would ignore an upload, or what stands beside one.
    """
    values, files = split_files(body)
    for field in {field for field, _ in files}:
        if field.endswith("-"):
            raise ValueError(f"{field!r} removes stored files by their names; an upload cannot be there")
        others = [key for key in (f"{field}+", f"+{field}", f"{field}-") if key in values]
        if field in values and others:
            raise ValueError(f"the server ignores {others[0]!r} beside a list of names and uploads in {field!r}")
    return values, files


def batch_files(body: Any, files: tuple[tuple[str, File], ...]) -> tuple[tuple[str, File], ...]:
    """Name the files of a batch's member so that the server keeps the stored files which the body names beside them.

    A single request merges both lists. In a batch, uploads under `docs` would take the place of the body's `docs`, so
    they are sent as `docs+`: the body sets the list, and the uploads are appended to it.

    Raises:
        ValueError: names and uploads are both to be added, which a batch cannot do.
    """
    mixed = {field for field, _ in files if field in body}
    for field in mixed:
        if field.startswith("+") or field.endswith("+"):
            raise ValueError(f"in a batch, {field!r} takes uploads or names of stored files, not both")
    appended = [(f"{field}+", file) for field, file in files if field in mixed]
    return (*appended, *((field, file) for field, file in files if field not in mixed))
