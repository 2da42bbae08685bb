"""Settings, on a real server."""

import pytest

from pocketbase_core import PocketBase, PocketBaseBadRequestError

pytestmark = pytest.mark.both_faces


async def test_settings_can_be_changed_and_invalid_ones_are_refused(pb: PocketBase) -> None:
    settings = await pb.settings.get_all()
    changed = await pb.settings.update({"meta": {**settings["meta"], "appName": "Acme"}})
    assert changed["meta"]["appName"] == "Acme"
    with pytest.raises(PocketBaseBadRequestError) as caught:
        await pb.settings.update({"meta": {"appName": ""}})
    assert "meta" in caught.value.field_errors
    with pytest.raises(PocketBaseBadRequestError, match="S3"):
        await pb.settings.test_s3()
    with pytest.raises(PocketBaseBadRequestError):
        await pb.settings.test_email("users", "a@example.com", "verification")
    with pytest.raises(PocketBaseBadRequestError):
        await pb.settings.generate_apple_client_secret("a", "b", "c", "d", 60)
