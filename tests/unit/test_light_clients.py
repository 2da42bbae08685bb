"""Light clients, of which a server makes one for each of its users."""

import gc
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase, Realtime, Response, pipeline
from pocketbase_core.messages import Request
from pocketbase_core.middleware import Handler
from pocketbase_transports import MockTransport


class Application(PocketBase):
    """A client with attributes of its own."""

    def __init__(self, **settings: Any) -> None:
        super().__init__("http://h", transport=MockTransport(lambda _: Response(200, json={})), **settings)
        self.tenant = "a"

    def headers(self) -> dict[str, str]:
        return {"X-Tenant": self.tenant}


def traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_a_light_client_holds_a_few_kibibytes() -> None:
    pb = Application()
    pb.with_auth_store(AuthStore())  # what all of them share
    tracemalloc.start(1)
    try:
        before = traced_bytes()
        clients = [pb.with_auth_store(AuthStore()) for _ in range(100)]
        size = (traced_bytes() - before) / len(clients)
    finally:
        tracemalloc.stop()
    assert size < 6 * 1024


async def test_a_light_client_has_the_attributes_of_its_parent_and_changes_its_own_only() -> None:
    seen: list[Request] = []

    async def record(request: Request, call_next: Handler) -> Response:
        seen.append(request)
        return await call_next(request)

    pb = Application(middleware=[record])
    light = pb.with_auth_store(AuthStore())
    light.tenant = "b"
    for client in (pb, light):
        await client.send("/x")
    assert [request.headers["X-Tenant"] for request in seen] == ["a", "b"]
    assert type(light) is Application
    assert light.files is light.files
    assert light.files is not pb.files
    assert light.realtime.settings is pb.realtime.settings


def test_two_threads_get_the_same_realtime() -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            light, start = Application().with_auth_store(AuthStore()), threading.Barrier(4)

            def realtime_of(client: PocketBase = light, start: threading.Barrier = start) -> Realtime:
                start.wait(10)
                return client.realtime

            futures = [threads.submit(realtime_of) for _ in range(4)]
            assert {id(future.result()) for future in futures} == {id(light.realtime)}


async def test_realtime_without_a_connection_accepts_another_store_and_a_revoked_token() -> None:
    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200)))
    assert not pb.realtime.is_connected
    pb.auth_store = AuthStore()
    pb.realtime.note_revoked("token")
    assert not pb.realtime.is_connected


def test_threads_that_use_a_new_client_at_once_share_its_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    found, at_once = list[MockTransport](), threading.Barrier(8)

    def find() -> MockTransport:
        time.sleep(0.05)  # long enough for the other threads to look for one too
        found.append(MockTransport(lambda request: Response(200)))
        return found[-1]

    def use(_: int) -> None:
        at_once.wait()
        pb.with_auth_store(AuthStore())

    monkeypatch.setattr(pipeline, "find_transport", find)
    pb = PocketBase("http://h")
    with ThreadPoolExecutor(8) as threads:
        assert len([*threads.map(use, range(8))]) == 8
    assert len(found) == 1
