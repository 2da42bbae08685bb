"""The integration tests again, on older servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = ("auth", "batches", "creates", "deletes", "iterate", "passwords", "records", "services")
SUITES = [str(HERE / f"test_{name}.py") for name in NAMES]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.23", "0.30", "0.36.9"])
def test_the_integration_tests_pass_on_an_older_server(version: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-k", "not recent", *SUITES]
    environment = {**os.environ, "POCKETBASE_TEST_VERSION": version}
    done = subprocess.run(command, env=environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
