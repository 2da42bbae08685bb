"""The cron jobs of the server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list, parse_nothing, requires_version
from ..calls.paths import api_path


def get_full_list(options: Options) -> Call[list[dict[str, Any]]]:
    """Build the call for all cron jobs (PocketBase 0.24)."""
    return Call.build("GET", api_path("crons"), requires_version("0.24", parse_list), options)


def run(job_id: str, options: Options) -> Call[None]:
    """Build the call that starts a cron job (PocketBase 0.24)."""
    return Call.build("POST", api_path("crons", job_id), requires_version("0.24", parse_nothing), options)
