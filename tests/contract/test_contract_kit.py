"""The contract kit, as the author of another transport uses the kit."""

import pytest

import pocketbase_core.testing.contract
from pocketbase_core.testing.contract import (
    cancellation,
    connection_errors,
    early_responses,
    encodings,
    limits,
    raw_bodies,
    raw_responses,
    requests,
    sse,
    streaming,
    uploads,
)

THEIRS = """
import pytest
from pocketbase_core.testing.contract import *
from pocketbase_transports import HttpxTransport

class Eager(HttpxTransport):
    async def send(self, request):
        await super().send(request)
        return await super().send(request)

@pytest.fixture(params=[HttpxTransport, Eager])
def make_transport(request):
    return request.param

def test_the_import():
    assert not {"asyncio", "scripted_server", "requests", "Request"} & set(globals())
"""


def test_no_test_of_the_kit_hides_another_of_the_same_name() -> None:
    modules = [cancellation, early_responses, encodings, connection_errors, requests, limits, sse, streaming, uploads]
    modules += [raw_bodies, raw_responses]
    tests = [name for module in modules for name in vars(module) if name.startswith("test_")]
    exported: list[str] = vars(pocketbase_core.testing.contract)["__all__"]
    assert sorted([*tests, "MakeTransport", "memory", "stalled", "transport"]) == sorted(exported), (
        "the kit exports each test once, and its fixtures"
    )


def test_a_transport_that_breaks_the_contract_fails_its_tests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # pytest looks into asserts of packages with a plugin
    pytester.makepyfile(THEIRS)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    wanted = "test_the_import or (test_a_response_with_any_status_is_returned and GET and 204)"
    plugins = ["-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider"]
    result = pytester.runpytest_subprocess("-W", "error", *plugins, "-k", wanted)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*nothing is sent again*", "*Left contains one more item: 'GET'*"])
