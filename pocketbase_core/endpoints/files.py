"""Stored files."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..auth.token import is_sendable_token
from ..calls.call import Call
from ..calls.options import CommonOptions, Options, parse_options
from ..calls.parsing import parse_object, raise_for_status
from ..calls.paths import api_path
from ..errors import unexpected_response
from ..messages import Response

_PLACE = ("id", "collectionId", "collectionName", "collection_id", "collection_name")


class HasId(Protocol):
    """A record of a user's own class. Its collection's id or name is another attribute."""

    @property
    def id(self) -> str: ...


def get_token(options: Options) -> Call[str]:
    return options.call("POST", api_path("files", "token"), _parse_token)


def check_token(token: str, timeout: float) -> Call[str]:
    """Build a call that raises PocketBaseUnauthorizedError if the server does not accept a user's token.

    Nothing on the server changes.
    """
    return get_token(parse_options(CommonOptions, None, {"headers": {"Authorization": token}, "timeout": timeout}))


def download(collection: str, record_id: str, filename: str, options: Options) -> Call[bytes]:
    return options.call("GET", api_path("files", collection, record_id, filename), parse_bytes)


def collection_and_id(record: Mapping[str, Any] | HasId) -> tuple[str, str]:
    """Return the collection and the id of a record.

    Raises:
        TypeError: the record lacks one of them.
    """
    found: dict[str, Any] = {
        name: record.get(name) if isinstance(record, Mapping) else getattr(record, name, None) for name in _PLACE
    }
    collections = [found[name] for name in _PLACE[1:] if found[name]]
    if not found["id"] or not collections:
        missing = "collectionId or collectionName" if found["id"] else "id"
        raise TypeError(f"the record has no {missing}: have it read too, or give collection, record id and file name")
    return collections[0], found["id"]


def parse_bytes(response: Response) -> bytes:
    """The body as it is, of a success."""
    return raise_for_status(response).content


def _parse_token(response: Response) -> str:
    token = parse_object(response).get("token")
    if not is_sendable_token(token):
        raise unexpected_response(response, "a file token")
    return token
