"""The backups of the server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing
from ..calls.paths import api_path
from ..messages.uploads import FileUpload
from .files import parse_bytes


def get_full_list(options: Options) -> Call[list[dict[str, Any]]]:
    """Build the call for all backups."""
    return Call.build("GET", api_path("backups"), parse_list, options)


def create(name: str | None, options: Options) -> Call[None]:
    """Build the call that creates a backup. The default name is the server's."""
    return Call.build("POST", api_path("backups"), parse_nothing, options, body={} if name is None else {"name": name})


def upload(file: FileUpload, options: Options) -> Call[None]:
    """Build the call that uploads a backup.

    Raises:
        TypeError: If `file` is not a FileUpload of one file.
    """
    if not isinstance(file, FileUpload) or len(file.files) != 1:
        raise TypeError(f"a backup must be a FileUpload of one file, not {file!r:.100}")
    return Call.build("POST", api_path("backups", "upload"), parse_nothing, options, files=(("file", file.files[0]),))


def download(key: str, token: str | None, options: Options) -> Call[bytes]:
    """Build the call for the content of a backup, with a superuser's file token."""
    return Call.build("GET", api_path("backups", key), parse_bytes, options, {"token": token})


def delete(key: str, options: Options) -> Call[None]:
    """Build the call that deletes a backup."""
    return Call.build("DELETE", api_path("backups", key), parse_nothing, options)


def restore(key: str, options: Options) -> Call[None]:
    """Build the call that restores a backup. The server restarts after its response."""
    return Call.build("POST", api_path("backups", key, "restore"), parse_nothing, options)
