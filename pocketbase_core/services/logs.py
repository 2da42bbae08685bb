"""The request log of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.options import CommonOptions, ListOptions, RecordOptions, parse_options
from ..endpoints import logs
from ..endpoints.pages import Page
from ..pipeline import Pipeline


class LogService:
    """The server's own log of requests."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[ListOptions],
    ) -> Page[dict[str, Any]]:
        """Return one page of log entries."""
        return await self._pipeline.execute(
            logs.get_list(page, per_page, parse_options(ListOptions, options, keywords))
        )

    async def get_one(
        self, log_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """Return one log entry."""
        return await self._pipeline.execute(logs.get_one(log_id, parse_options(RecordOptions, options, keywords)))

    async def get_stats(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[ListOptions]
    ) -> list[dict[str, Any]]:
        """Return the numbers of entries per hour: `[{"date", "total"}]`."""
        return await self._pipeline.execute(logs.get_stats(parse_options(ListOptions, options, keywords)))

    async def truncate(self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]) -> None:
        """Delete all entries (PocketBase 0.40 and newer)."""
        await self._pipeline.execute(logs.truncate(parse_options(CommonOptions, options, keywords)))
