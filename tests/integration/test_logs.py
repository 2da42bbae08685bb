"""Logs, on a real server."""

import pytest

from pocketbase_core import PocketBase, PocketBaseNotFoundError

pytestmark = pytest.mark.both_faces


async def test_logs_can_be_listed_counted_and_looked_up(pb: PocketBase) -> None:
    page = await pb.logs.get_list(2, 5, filter="level > 99")
    assert (page["page"], page["perPage"], page["items"]) == (2, 5, [])
    assert isinstance(await pb.logs.get_stats(), list)
    with pytest.raises(PocketBaseNotFoundError):
        await pb.logs.get_one("missing")


@pytest.mark.refused_by_legacy("emptying the logs")
async def test_recent_servers_can_empty_their_logs(pb: PocketBase) -> None:
    await pb.logs.truncate()
