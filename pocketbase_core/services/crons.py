"""The cron jobs of the server, for superusers."""

from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import crons
from ..faces import AsyncFace, ServiceMethods, endpoint


class CronMethods(ServiceMethods):
    """The cron jobs of the server (PocketBase 0.24 and newer)."""

    @endpoint
    def get_full_list(
        self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[list[dict[str, Any]]]:
        """Return all jobs: `[{"id", "expression"}]`.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return crons.get_full_list(parse_options(RecordOptions, options, keywords))

    @endpoint
    def run(self, job_id: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Start a job, and return without waiting for its end.

        Options: `params`, `headers`, `timeout`.
        """
        return crons.run(job_id, parse_options(CommonOptions, options, keywords))


class CronService(CronMethods, AsyncFace):
    """The cron jobs of the server (PocketBase 0.24 and newer)."""
