"""SQL on the database of the server, for superusers."""

from typing import Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, parse_options
from ..endpoints import sql
from ..faces import AsyncFace, ServiceMethods, endpoint


class SqlMethods(ServiceMethods):
    """SQL on the database of the server (PocketBase 0.39 and newer)."""

    @endpoint
    def run(self, query: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[dict[str, Any]]:
        """Run a query, and return `{"columns", "rows", "affectedRows", "execTime"}`, with values as text.

        Do not put user input into the query: nothing in it is escaped.

        Options: `params`, `headers`, `timeout`.
        """
        return sql.run(query, parse_options(CommonOptions, options, keywords))


class SqlService(SqlMethods, AsyncFace):
    """SQL on the database of the server (PocketBase 0.39 and newer)."""
