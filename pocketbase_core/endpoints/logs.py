"""The request log of the server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing, parse_object, requires_version
from ..calls.paths import api_path
from . import pages


def get_list(page: int, per_page: int, options: Options) -> Call[pages.Page[dict[str, Any]]]:
    """Build the call for one page of logs."""
    return pages.get_list(api_path("logs"), page, per_page, options)


def get_one(log_id: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for the log with this id."""
    return Call.build("GET", api_path("logs", log_id), parse_object, options)


def get_stats(options: Options) -> Call[list[dict[str, Any]]]:
    """Build the call for the number of logs of each hour."""
    return Call.build("GET", api_path("logs", "stats"), parse_list, options)


def truncate(options: Options) -> Call[None]:
    """Build the call that deletes all logs (PocketBase 0.40)."""
    return Call.build("DELETE", api_path("logs"), requires_version("0.40", parse_nothing), options)
