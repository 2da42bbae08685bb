"""The cron jobs of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.options import CommonOptions, RecordOptions, parse_options
from ..endpoints import crons
from ..pipeline import Pipeline


class CronService:
    """The server's cron jobs (PocketBase 0.24 and newer)."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def get_full_list(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> list[dict[str, Any]]:
        """Return all jobs: `[{"id", "expression"}]`."""
        return await self._pipeline.execute(crons.get_full_list(parse_options(RecordOptions, options, keywords)))

    async def run(
        self, job_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Start a job now; it runs on in the crons."""
        await self._pipeline.execute(crons.run(job_id, parse_options(CommonOptions, options, keywords)))
