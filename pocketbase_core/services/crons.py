"""The cron jobs of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Executor
from ..calls.options import CommonOptions, RecordOptions, parse_options
from ..endpoints import crons


class CronService:
    """The server's cron jobs (PocketBase 0.24 and newer)."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def get_full_list(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> list[dict[str, Any]]:
        """Return all jobs: `[{"id", "expression"}]`."""
        return await self._executor.execute(crons.get_full_list(parse_options(RecordOptions, options, keywords)))

    async def run(
        self, job_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Start a job now; it runs on in the crons."""
        await self._executor.execute(crons.run(job_id, parse_options(CommonOptions, options, keywords)))
