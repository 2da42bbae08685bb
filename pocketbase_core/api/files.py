"""Stored files."""

from collections.abc import Mapping
from typing import Any

from ..auth.token import is_token
from ..call import Call, parse_object, success
from ..errors import decode_error
from ..messages import Response
from ..options import CommonOptions, Options, read
from ..paths import api_path


def get_token(options: Options) -> Call[str]:
    return options.call("POST", api_path("files", "token"), _parse_token)


def check_token(token: str, timeout: float) -> Call[str]:
    """Find out whether the server accepts a user's token: it answers 401 if not. Nothing on the server changes."""
    return get_token(read(CommonOptions, None, {"headers": {"Authorization": token}, "timeout": timeout}))


def download(collection: str, record_id: str, filename: str, options: Options) -> Call[bytes]:
    return options.call("GET", api_path("files", collection, record_id, filename), parse_bytes)


def of_record(record: Mapping[str, Any]) -> tuple[str, str]:
    """The collection and the id of a record; empty text for what it lacks."""
    return record.get("collectionId") or record.get("collectionName") or "", record.get("id") or ""


def parse_bytes(response: Response) -> bytes:
    """The body as it is, of a success."""
    return success(response).content


def _parse_token(response: Response) -> str:
    token = parse_object(response).get("token")
    if not is_token(token):
        raise decode_error(response, "a file token")
    return token
