"""The body of a record, split into JSON values and files."""

from collections.abc import Mapping
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages.uploads import File, FileUpload


def split_files(body: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """Return the JSON values of a body, and `(field, file)` for each of its files.

    A list may mix the names of stored files, which are values, with uploads.

    Raises:
        TypeError: If `body` is not a dict.
    """
    if not isinstance(body, Mapping):
        raise PocketBaseInputTypeError(f"a body must be a dict, not {type(body).__name__}")
    values: dict[str, Any] = {}
    files: list[tuple[str, File]] = []
    for key, value in body.items():
        items: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore
        uploads = [item for item in items if isinstance(item, FileUpload)]
        if not uploads or not isinstance(key, str):
            values[key] = value
            continue
        files += [(key, file) for upload in uploads for file in upload.files]
        if stored_names := [item for item in items if not isinstance(item, FileUpload)]:
            values[key] = stored_names
    return values, tuple(files)


def record_body(body: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """Return the JSON values and the files of a record's body, as `split_files` does.

    Raises:
        TypeError: If `body` is not a dict.
        ValueError: If the server would ignore an upload, or a value beside an upload.
    """
    values, files = split_files(body)
    for field in {field for field, _ in files}:
        if field.endswith("-"):
            raise PocketBaseInputError(f"{field!r} removes stored files by name, so it must not contain an upload")
        others = [key for key in (f"{field}+", f"+{field}", f"{field}-") if key in values]
        if field in values and others:
            raise PocketBaseInputError(
                f"{others[0]!r} must not stand beside a list of names and uploads in {field!r}: the server ignores it"
            )
    return values, files


def batch_files(body: Any, files: tuple[tuple[str, File], ...]) -> tuple[tuple[str, File], ...]:
    """Return the files of a sub-request of a batch, named so that the server keeps the stored files of its body.

    For a single request the server merges the names in the body with the uploads of the same field. In a batch, uploads
    under `docs` would replace the body's `docs`, so they are sent as `docs+`: the body sets the list, and the uploads
    are appended.

    Raises:
        ValueError: If a field appends both names and uploads, which is impossible in a batch.
    """
    mixed = {field for field, _ in files if field in body}
    for field in mixed:
        if field.startswith("+") or field.endswith("+"):
            raise PocketBaseInputError(f"in a batch, {field!r} takes uploads or names of stored files, not both")
    appended = [(f"{field}+", file) for field, file in files if field in mixed]
    return (*appended, *((field, file) for field, file in files if field not in mixed))
