"""Backups of the whole server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing
from ..calls.paths import api_path
from ..messages.uploads import FileUpload
from .files import parse_bytes


def get_full_list(options: Options) -> Call[list[dict[str, Any]]]:
    return options.call("GET", api_path("backups"), parse_list)


def create(name: str | None, options: Options) -> Call[None]:
    return options.call("POST", api_path("backups"), parse_nothing, body={} if name is None else {"name": name})


def upload(file: FileUpload, options: Options) -> Call[None]:
    if not isinstance(file, FileUpload) or len(file.files) != 1:
        raise TypeError(f"a backup is uploaded as a FileUpload of one file, not {file!r:.100}")
    return options.call("POST", api_path("backups", "upload"), parse_nothing, files=(("file", file.files[0]),))


def download(key: str, token: str | None, options: Options) -> Call[bytes]:
    return options.call("GET", api_path("backups", key), parse_bytes, {"token": token})


def delete(key: str, options: Options) -> Call[None]:
    return options.call("DELETE", api_path("backups", key), parse_nothing)


def restore(key: str, options: Options) -> Call[None]:
    return options.call("POST", api_path("backups", key, "restore"), parse_nothing)
