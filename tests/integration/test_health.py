"""Health, on a real server."""

import pytest

from pocketbase_core import PocketBase

from ..helpers.shared_collections import IS_LEGACY

pytestmark = pytest.mark.both_faces


async def test_health_shows_a_superuser_more_than_a_guest(pb: PocketBase, guest: PocketBase) -> None:
    for client, sees_backups in ((pb, True), (guest, IS_LEGACY)):  # PocketBase 0.22 shows guests the same
        result = await client.health.check()
        assert result["code"] == 200
        assert ("canBackup" in result["data"]) == sees_backups
