"""Health, on a real server."""

import pytest

from pocketbase_core import PocketBase

pytestmark = pytest.mark.both_faces


async def test_health_shows_a_superuser_more_than_a_guest(pb: PocketBase, guest: PocketBase) -> None:
    for client, is_superuser in ((pb, True), (guest, False)):
        result = await client.health.check()
        assert result["code"] == 200
        assert ("canBackup" in result["data"]) == is_superuser
