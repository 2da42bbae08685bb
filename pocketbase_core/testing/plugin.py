"""The plugin for pytest.

`pocketbase_mock` is always there. The fixtures with a server need pytest-asyncio and a PocketBase binary.
"""

from importlib.util import find_spec

import pytest

from .binaries import find_binary
from .mock import PocketBaseMock


@pytest.fixture
def pocketbase_mock() -> PocketBaseMock:
    """Return a client whose requests the test answers, and the list of these requests."""
    return PocketBaseMock()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the version of the server."""
    parser.getgroup("pocketbase").addoption(
        "--pocketbase-version",
        metavar="VERSION",
        help="the version of the server of the fixtures, such as 0.36.9 or 0.36, which is downloaded once "
        "(default: the installed binary)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures with a server, if their requirements are installed."""
    if find_spec("pytest_asyncio") is not None and _is_available(config.getoption("pocketbase_version")):
        from . import fixtures

        config.pluginmanager.register(fixtures, "pocketbase_server")


def _is_available(version: str | None) -> bool:
    """Return whether there is a binary; one of a given version can be downloaded."""
    try:
        return version is not None or bool(find_binary(None))
    except RuntimeError:
        return False
