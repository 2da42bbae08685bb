"""SQL on the database of the server."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import came_with, parse_object
from ..calls.paths import api_path


def run(query: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("POST", api_path("sql"), came_with("0.39", parse_object), body={"query": query})
