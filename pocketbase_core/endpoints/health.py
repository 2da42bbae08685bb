"""The server's health."""

from typing import Any

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_object
from ..calls.paths import api_path


def check(options: Options) -> Call[dict[str, Any]]:
    """Build the call for the health of the server."""
    return Call.build("GET", api_path("health"), parse_object, options)
