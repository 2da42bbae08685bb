"""Cron jobs, on a real server."""

import pytest

from pocketbase_core import PocketBase, PocketBaseNotFoundError

pytestmark = pytest.mark.both_faces


@pytest.mark.refused_by_legacy("cron jobs")
async def test_recent_servers_list_and_run_cron_jobs(pb: PocketBase) -> None:
    jobs = [job["id"] for job in await pb.crons.get_full_list()]
    await pb.crons.run(jobs[0])
    with pytest.raises(PocketBaseNotFoundError, match="cron"):
        await pb.crons.run("missing")
