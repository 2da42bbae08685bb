"""The body of a record, split into JSON values and files."""

from collections.abc import Mapping
from typing import Any

from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages.instances import Body, fields_of
from ..messages.uploads import File, FileUpload


def body_fields(body: Body, *, only_set: bool = False) -> Mapping[str, Any]:
    """Return a body as a mapping: a dict as it is, and the fields of an instance of the user's class.

    An empty `id` of an instance is left out: a class of records may have one for records that are not stored yet, and
    an update with it is an attempt to change the id. The server ignores `collectionId`, `collectionName`, `created`,
    `updated` and `expand`, so a record that was read can be sent as it is.

    Raises:
        TypeError: If `body` is neither.
    """
    if isinstance(body, Mapping):
        return body
    fields = fields_of(body, only_set=only_set)
    if not isinstance(fields, dict):
        raise PocketBaseInputTypeError(
            "a body must be a dict, or an instance of a dataclass, pydantic model or msgspec Struct, "
            f"not {type(body).__name__}"
        )
    return {name: value for name, value in fields.items() if name != "id" or value not in (None, "")}  # pyright: ignore


def split_files(body: Body, *, only_set: bool = False) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """Return the JSON values of a body, and `(field, file)` for each of its files.

    A list may mix the names of stored files, which are values, with uploads.

    Raises:
        TypeError: If `body` is neither a dict nor an instance of the user's class.
    """
    values: dict[str, Any] = {}
    files: list[tuple[str, File]] = []
    for key, value in body_fields(body, only_set=only_set).items():
        items: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore
        uploads = [item for item in items if isinstance(item, FileUpload)]
        if not uploads or not isinstance(key, str):
            values[key] = value
            continue
        files += [(key, file) for upload in uploads for file in upload.files]
        if stored_names := [item for item in items if not isinstance(item, FileUpload)]:
            values[key] = stored_names
    return values, tuple(files)


def record_body(body: Body, *, only_set: bool = False) -> tuple[dict[str, Any], tuple[tuple[str, File], ...]]:
    """Return the JSON values and the files of a record's body, as `split_files` does.

    Args:
        body: A dict, or an instance of the user's class.
        only_set: Whether to leave out the fields of a pydantic model that were not set.

    Raises:
        TypeError: If `body` is neither a dict nor an instance of the user's class.
        ValueError: If the server would ignore an upload, or a value beside an upload.
    """
    values, files = split_files(body, only_set=only_set)
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
