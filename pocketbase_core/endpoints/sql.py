"""SQL queries on the database of the server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_object, requires_version
from ..calls.paths import api_path


def run(query: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call that runs an SQL query (PocketBase 0.39)."""
    return Call.build("POST", api_path("sql"), requires_version("0.39", parse_object), options, body={"query": query})
