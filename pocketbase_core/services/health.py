"""The health of the server."""

from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, parse_options
from ..endpoints import health
from ..faces import AsyncFace, ServiceMethods, endpoint


class HealthMethods(ServiceMethods):
    """The health of the server."""

    @endpoint
    def check(self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[dict[str, Any]]:
        """Return `{"code": 200, "message", "data"}` if the server is healthy, else raise PocketBaseError.

        Options: `params`, `headers`, `timeout`.
        """
        return health.check(parse_options(CommonOptions, options, keywords))


class HealthService(HealthMethods, AsyncFace):
    """The health of the server."""
