"""SQL on the database of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.call import Executor
from ..calls.options import CommonOptions, parse_options
from ..endpoints import sql


class SqlService:
    """SQL on the server's database (PocketBase 0.39 and newer)."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(
        self, query: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Run a query, and return `{"columns", "rows", "affectedRows", "execTime"}`, with values as text.

        The query is not escaped: put no input of users into it.
        """
        return await self._executor.execute(sql.run(query, parse_options(CommonOptions, options, keywords)))
