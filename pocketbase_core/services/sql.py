"""SQL on the database of the server, for superusers."""

from collections.abc import Mapping
from typing import Any, Unpack

from ..calls.options import CommonOptions, parse_options
from ..endpoints import sql
from ..pipeline import Pipeline


class SqlService:
    """SQL on the server's database (PocketBase 0.39 and newer)."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def run(
        self, query: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Run a query, and return `{"columns", "rows", "affectedRows", "execTime"}`, with values as text.

        The query is not escaped: put no input of users into it.
        """
        return await self._pipeline.execute(sql.run(query, parse_options(CommonOptions, options, keywords)))
