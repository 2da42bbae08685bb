"""The settings of the server."""

from collections.abc import Mapping
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path
from ..input_errors import PocketBaseInputTypeError


def get_all(options: Options) -> Call[dict[str, Any]]:
    """Build the call for all settings."""
    return Call.build("GET", api_path("settings"), parse_object, options)


def update(body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Build the call that changes settings.

    Raises:
        TypeError: If `body` is not a dict.
    """
    if not isinstance(body, Mapping):
        raise PocketBaseInputTypeError(f"settings must be a dict, not {type(body).__name__}")
    return Call.build("PATCH", api_path("settings"), parse_object, options, body=body)


def test_s3(filesystem: str, options: Options) -> Call[None]:
    """Build the call that tests the connection to an S3 file system, `storage` or `backups`."""
    return Call.build(
        "POST", api_path("settings", "test", "s3"), parse_nothing, options, body={"filesystem": filesystem}
    )


def test_email(collection: str, to_email: str, template: str, options: Options) -> Call[None]:
    """Build the call that sends a test e-mail."""
    body = {"collection": collection, "email": to_email, "template": template}
    return Call.build("POST", api_path("settings", "test", "email"), parse_nothing, options, body=body)


def generate_apple_client_secret(
    client_id: str, team_id: str, key_id: str, private_key: str, duration: int, options: Options
) -> Call[dict[str, Any]]:
    """Build the call for a client secret of Apple's OAuth2, valid for `duration` seconds."""
    body = {"clientId": client_id, "teamId": team_id, "keyId": key_id, "privateKey": private_key, "duration": duration}
    path = api_path("settings", "apple", "generate-client-secret")
    return Call.build("POST", path, parse_object, options, body=body)
