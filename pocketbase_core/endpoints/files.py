"""Stored files."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..auth.token import is_sendable_token
from ..calls.call import Call
from ..calls.options import CommonOptions, Options, parse_options
from ..calls.parsing import parse_object, raise_for_status
from ..calls.paths import api_path
from ..errors import unexpected_response
from ..input_errors import PocketBaseInputTypeError
from ..messages import Response

_RECORD_FIELDS = ("id", "collectionId", "collectionName", "collection_id", "collection_name")


class HasId(Protocol):
    """A record of a user's own class, with its collection in another attribute, such as `collection_name`."""

    @property
    def id(self) -> str:
        """The id of the record."""
        ...


def get_token(options: Options) -> Call[str]:
    """Build the call for a file token, with which the user may read protected files."""
    return Call.build("POST", api_path("files", "token"), _parse_token, options)


def check_token(token: str, timeout: float) -> Call[str]:
    """Build a call that checks a user's token. It raises PocketBaseUnauthorizedError if the server does not accept it.

    The call requests a file token, which changes nothing on the server. `timeout` is in seconds.
    """
    return get_token(parse_options(CommonOptions, None, {"headers": {"Authorization": token}, "timeout": timeout}))


def download(collection: str, record_id: str, filename: str, options: Options) -> Call[bytes]:
    """Build the call for the content of a stored file."""
    return Call.build("GET", api_path("files", collection, record_id, filename), parse_bytes, options)


def collection_and_id(record: Mapping[str, Any] | HasId) -> tuple[str, str]:
    """Return the id or name of a record's collection, and the id of the record.

    Raises:
        TypeError: If the record has no collection or no id.
    """
    values: dict[str, Any] = {
        name: record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)
        for name in _RECORD_FIELDS
    }
    collections = [values[name] for name in _RECORD_FIELDS[1:] if values[name]]
    if not values["id"] or not collections:
        missing = "collectionId or collectionName" if values["id"] else "id"
        raise PocketBaseInputTypeError(
            f"the record has no {missing}: request this field too, or pass (collection, record_id, filename)"
        )
    return collections[0], values["id"]


def parse_bytes(response: Response) -> bytes:
    """Return the body of a response.

    Raises:
        PocketBaseError: If the response is an error.
    """
    return raise_for_status(response).content


def _parse_token(response: Response) -> str:
    token = parse_object(response).get("token")
    if not is_sendable_token(token):
        raise unexpected_response(response, "a file token")
    return token
