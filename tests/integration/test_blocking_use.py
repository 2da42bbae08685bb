"""The blocking client in the hands of programs that forget it, copy it, and use it from several threads."""

import asyncio
import copy
import gc
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from pocketbase_core import AuthStore, Request, Response
from pocketbase_core.blocking import Handler, PocketBase
from pocketbase_core.ports import Transport
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
            for _ in range(5):
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


async def test_a_client_for_another_user_and_a_copy_outlive_the_client_that_they_were_made_of(
    server: LocalServer, make_transport: MakeTransport
) -> None:
    def use() -> None:
        other = PocketBase(server.url, transport=make_transport()).with_auth_store(AuthStore())
        copied = copy.copy(PocketBase(server.url, transport=make_transport()))
        gc.collect()
        assert other.health.check()["code"] == copied.health.check()["code"] == 200

    def use_and_forget() -> None:
        use()
        gc.collect()

    with pytest.warns(ResourceWarning, match="was not closed"):
        await asyncio.to_thread(use_and_forget)


async def test_a_client_survives_its_copies(server: LocalServer, transport: Transport) -> None:
    def use() -> None:
        with PocketBase(server.url, transport=transport) as pb:
            assert copy.copy(pb).health.check()["code"] == 200
            gc.collect()
            assert pb.health.check()["code"] == 200

    await asyncio.to_thread(use)


async def test_middleware_may_send_a_request_on_a_thread_of_its_own(
    server: LocalServer, transport: Transport, superuser: AuthStore
) -> None:
    caller: ContextVar[str] = ContextVar("caller", default="nobody")
    seen: list[str] = []

    def send_on_other_thread(request: Request, call_next: Handler) -> Response:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(call_next, request).result()

    def note_caller(request: Request, call_next: Handler) -> Response:
        seen.append(caller.get())
        return call_next(request)

    def use() -> None:
        caller.set("this test")
        middleware = [send_on_other_thread, note_caller]
        with PocketBase(server.url, transport=transport, auth_store=superuser, middleware=middleware) as pb:
            assert pb.collections.get_list(1, 1)["page"] == 1

    await asyncio.to_thread(use)
    assert seen == ["this test"]
