"""The request log of the server, for superusers."""

from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, ListOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import logs
from ..endpoints.pages import Page
from ..faces import AsyncFace, ServiceMethods, endpoint


class LogMethods(ServiceMethods):
    """The request log of the server."""

    @endpoint
    def get_list(
        self,
        page: int = 1,
        per_page: int = 30,
        options: OptionsArg = None,
        **keywords: Unpack[ListOptions],
    ) -> Call[Page[dict[str, Any]]]:
        """Return one page of log entries; see `RecordService.get_list`.

        Options: `filter`, `sort`, `expand`, `fields`, `skip_total`, `params`, `headers`, `timeout`.
        """
        return logs.get_list(page, per_page, parse_options(ListOptions, options, keywords))

    @endpoint
    def get_one(
        self, log_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[dict[str, Any]]:
        """Return one log entry.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return logs.get_one(log_id, parse_options(RecordOptions, options, keywords))

    @endpoint
    def get_stats(self, options: OptionsArg = None, **keywords: Unpack[ListOptions]) -> Call[list[dict[str, Any]]]:
        """Return the number of entries in each hour: `[{"date", "total"}]`.

        Options: `filter`, `sort`, `expand`, `fields`, `skip_total`, `params`, `headers`, `timeout`.
        """
        return logs.get_stats(parse_options(ListOptions, options, keywords))

    @endpoint
    def truncate(self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Delete all entries (PocketBase 0.40 and newer).

        Options: `params`, `headers`, `timeout`.
        """
        return logs.truncate(parse_options(CommonOptions, options, keywords))


class LogService(LogMethods, AsyncFace):
    """The request log of the server."""
