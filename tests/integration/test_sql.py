"""SQL statements, on a real server."""

import pytest

from pocketbase_core import PocketBase

pytestmark = pytest.mark.both_faces


@pytest.mark.refused_by_legacy("SQL")
async def test_recent_servers_run_a_statement_and_return_its_rows(pb: PocketBase) -> None:
    assert (await pb.sql.run("select 1 + 1 as n"))["rows"] == [["2"]]
