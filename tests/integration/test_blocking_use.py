"""The blocking client in the hands of programs that forget it."""

import asyncio
import gc
import logging
import warnings
from typing import Any

import pytest

from pocketbase_core.blocking import PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Python could not raise, because the garbage collector ran it."""
    seen: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", seen.append)
    return seen


async def test_the_connections_of_forgotten_clients_are_closed_without_a_trace(
    server: LocalServer, make_transport: MakeTransport, unraisable: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def forget() -> None:
        with PocketBase(server.url, transport=make_transport()) as lasting:  # the portal outlives the others
            for _ in range(20):
                PocketBase(server.url, transport=make_transport()).health.check()
                gc.collect()
            lasting.health.check()

    caplog.set_level(logging.WARNING)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await asyncio.to_thread(forget)
        gc.collect()
    assert {str(each.message).partition("(")[0] for each in caught} == {"PocketBase"}
    assert not unraisable
    assert not caplog.records
