"""The settings of the server."""

from collections.abc import Mapping
from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path


def get_all(options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("settings"), parse_object)


def update(body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    if not isinstance(body, Mapping):
        raise TypeError(f"settings must be a dict, not {type(body).__name__}")
    return options.call("PATCH", api_path("settings"), parse_object, body=body)


def test_s3(filesystem: str, options: Options) -> Call[None]:
    return options.call("POST", api_path("settings", "test", "s3"), parse_nothing, body={"filesystem": filesystem})


def test_email(collection: str, to_email: str, template: str, options: Options) -> Call[None]:
    body = {"collection": collection, "email": to_email, "template": template}
    return options.call("POST", api_path("settings", "test", "email"), parse_nothing, body=body)


def generate_apple_client_secret(
    client_id: str, team_id: str, key_id: str, private_key: str, duration: int, options: Options
) -> Call[dict[str, Any]]:
    body = {"clientId": client_id, "teamId": team_id, "keyId": key_id, "privateKey": private_key, "duration": duration}
    path = api_path("settings", "apple", "generate-client-secret")
    return options.call("POST", path, parse_object, body=body)
