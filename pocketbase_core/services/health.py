"""The server's health."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Executor
from ..calls.options import CommonOptions, parse_options
from ..endpoints import health


class HealthService:
    """The server's health."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def check(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Return `{"code": 200, "message", "data"}` if the server is healthy; raise PocketBaseError if not."""
        return await self._executor.execute(health.check(parse_options(CommonOptions, options, keywords)))
