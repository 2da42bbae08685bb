"""The integration tests on older servers, and routes that such a server does not know.

The ordinary run tests the newest server. Tests whose names contain `recent` need a recent server, and are left out.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import PocketBase, PocketBaseNotFoundError
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

HERE = Path(__file__).parent
NAMES = [
    "auth",
    "backups",
    "batch",
    "batch_files",
    "client",
    "collections",
    "custom_routes",
    "files",
    "health",
    "idempotent_creates",
    "json_lines",
    "keyset_pagination",
    "logs",
    "many_records",
    "passwords",
    "realtime_topics",
    "records",
    "repeated_deletes",
    "settings",
    "typed_records",
]
LEGACY_NAMES = [
    "crons",
    "filters",
    "live_order",
    "live_reconnection",
    "realtime",
    "realtime_users",
    "routes",
    "sql",
    "uploads",
]
"""What runs on PocketBase 0.22 besides."""


def suites(names: list[str]) -> list[str]:
    return [str(HERE / f"test_{name}.py") for name in names]


def run_on(version: str, *arguments: str) -> str:
    """Run tests on a server of this version, and return the last line of the output."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    environment = {**os.environ, "POCKETBASE_TEST_VERSION": version}
    done = subprocess.run(command, env=environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.rstrip().rpartition("\n")[2]


def test_the_files_that_run_on_older_servers_exist() -> None:
    assert [path for path in suites(NAMES + LEGACY_NAMES) if not Path(path).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.23.12", "0.30.4", "0.36.9"])
def test_the_integration_tests_pass_on_an_older_server(version: str) -> None:
    assert " passed" in run_on(version, "-k", "not recent", *suites(NAMES))


@pytest.mark.slow
def test_the_integration_tests_pass_on_pocketbase_0_22_or_expect_its_refusal() -> None:
    counts = run_on("0.22.27", *suites(NAMES + LEGACY_NAMES))
    assert " passed" in counts
    assert " xfailed" in counts
    assert "skipped" not in counts


@pytest.mark.slow
async def test_a_route_that_the_server_does_not_know_names_the_version_it_came_with(transport: Transport) -> None:
    async with LocalServer("0.23") as server:
        pb = PocketBase(server.url, transport=transport)
        await pb.admins.auth.with_password(*server.superuser)
        calls: list[tuple[Any, str]] = [
            (pb.crons.get_full_list(), "0.24"),
            (pb.crons.run("x"), "0.24"),
            (pb.collections.get_all_oauth2_providers(), "0.37"),
            (pb.collections.dry_run_view_query("select 1"), "0.37"),
            (pb.sql.run("select 1"), "0.39"),
            (pb.logs.truncate(), "0.40"),
        ]
        for call, version in calls:
            with pytest.raises(PocketBaseNotFoundError, match=f"came with PocketBase {version}"):
                await call
