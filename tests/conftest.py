"""Fixtures that run a test on every HTTP library, and a check that no test logs a secret."""

import logging
import os
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import settings

from pocketbase_core import AuthStore
from pocketbase_core.pipeline import Pipeline
from pocketbase_core.testing.contract import MakeTransport
from pocketbase_core.testing.contract import transport as transport

from .helpers.transports import MAKERS

# The tests of the extra `blocking-demo` are slow; where the extra is not installed, they are not even imported.
collect_ignore = (
    [] if find_spec("streamlit") else ["documents/test_blocking_examples.py", "integration/test_notebooks.py"]
)
MARKS = {"httpx2": pytest.mark.httpx2}
LIBRARIES = [pytest.param(name, marks=MARKS.get(name, ())) for name in MAKERS]

# No test asserts a time: on a busy machine, an example may take longer than the deadline of hypothesis.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are cores with `-n auto`, because many tests wait for a timeout."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """The name of the HTTP library."""
    name: str = request.param
    return name


@pytest.fixture
def make_transport(library: str) -> MakeTransport:
    return MAKERS[library]


class LogCapture(logging.Handler):
    """Each different line that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.exc_info:
            line += f" {record.exc_info[1]}"
        self.seen.add(line)


@pytest.fixture(scope="session", autouse=True)
def programs_run_without_coverage() -> None:
    """Measure the workers, but not the programs that tests start: some of them check what is left at their end."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_logged() -> Generator[None, None, None]:
    """Check that no log line of any test contains a token of a store or a password.

    Only secrets of at least 11 characters count, because shorter ones may occur by chance. The check is slow, so only
    `.ci/run` sets the environment variable POCKETBASE_TEST_LOGS.
    """
    if "POCKETBASE_TEST_LOGS" not in os.environ:
        yield
        return
    lines, secrets, patch = LogCapture(), set[str](), pytest.MonkeyPatch()
    save: Any = AuthStore.save
    # Nothing public sees each request of each client: tests hand in transports and middleware of their own.
    build_request: Any = getattr(Pipeline, "_build_request")

    def recording_save(store: AuthStore, token: str, record: Any = None) -> None:
        secrets.add(str(token))
        save(store, token, record)

    def recording_build_request(pipeline: Pipeline, call: Any) -> Any:
        request = build_request(pipeline, call)
        body: Any = request.body
        if hasattr(body, "items"):
            secrets.update(str(value) for key, value in body.items() if "password" in key.lower())
        return request

    patch.setattr(AuthStore, "save", recording_save)
    patch.setattr(Pipeline, "_build_request", recording_build_request)
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(lines)
    yield
    logger.removeHandler(lines)
    logger.setLevel(level)
    patch.undo()
    text = "\n".join(lines.seen)
    logged = [secret for secret in secrets if len(secret) >= 11 and secret in text]
    assert not [line for line in lines.seen if any(secret in line for secret in logged)], "a secret was logged"
