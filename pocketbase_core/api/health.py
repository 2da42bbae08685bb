"""The health of the server."""

from typing import Any

from ..call import Call, parse_object
from ..options import Options
from ..paths import api_path


def check(options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("health"), parse_object)
