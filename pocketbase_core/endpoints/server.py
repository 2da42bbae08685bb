"""The server itself, for superusers: settings, logs, cron jobs, SQL."""

from collections.abc import Mapping
from typing import Any

from ..calls.call import Call, came_with, parse_list, parse_nothing, parse_object
from ..calls.options import Options
from ..calls.paths import api_path
from . import pages


def get_settings(options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("settings"), parse_object)


def update_settings(body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
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


def get_logs(page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    return pages.get_list(api_path("logs"), page, per_page, options)


def get_log(log_id: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("logs", log_id), parse_object)


def get_log_stats(options: Options) -> Call[list[dict[str, Any]]]:
    return options.call("GET", api_path("logs", "stats"), parse_list)


def truncate_logs(options: Options) -> Call[None]:
    return options.call("DELETE", api_path("logs"), came_with("0.40", parse_nothing))


def get_crons(options: Options) -> Call[list[dict[str, Any]]]:
    return options.call("GET", api_path("crons"), came_with("0.24", parse_list))


def run_cron(job_id: str, options: Options) -> Call[None]:
    return options.call("POST", api_path("crons", job_id), came_with("0.24", parse_nothing))


def run_sql(query: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("POST", api_path("sql"), came_with("0.39", parse_object), body={"query": query})
