"""The server's health."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.options import CommonOptions, parse_options
from ..endpoints import health
from ..pipeline import Pipeline


class HealthService:
    """The server's health."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def check(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Return `{"code": 200, "message", "data"}` if the server is healthy; raise PocketBaseError if not."""
        return await self._pipeline.execute(health.check(parse_options(CommonOptions, options, keywords)))
