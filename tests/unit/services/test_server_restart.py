"""A restore that is waited for, in virtual time."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Unpack

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseConnectionError,
    PocketBaseServerError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.calls.options import CommonOptions
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from ...helpers.virtual_clock import pass_time, run


class FakeServer:
    """Restarts so many seconds after it was asked, and is away for a while."""

    def __init__(self, restarts_after: float, *, broken: bool = False, status: int = 204, silent: bool = False) -> None:
        self.restarts_after = restarts_after
        self.broken = broken
        self.status = status
        self.silent = silent
        self.streams = 0
        self.asked: list[str] = []
        self._gone: asyncio.Event | None = None
        self._away = 1e9, 1e9

    def answer(self, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        self.asked.append(request.url.rpartition("/")[2])
        if request.method == "POST":
            loop.call_later(self.restarts_after, self._restart)
            return Response(self.status, json={"message": "No."})
        if self._away[0] <= loop.time() < self._away[1]:
            raise PocketBaseConnectionError(request.url, message="refused", request_sent=False)
        return Response(200, json={})

    def _restart(self) -> None:
        assert self._gone is not None
        now = asyncio.get_running_loop().time()
        self._away = now + 0.4, now + 3  # before that, it still answers
        self._gone.set()

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        self.streams += 1
        self._gone = self._gone or asyncio.Event()
        if self.silent:
            return
        yield ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "c"}))
        yield ServerSentEvent("news", "{}")
        await self._gone.wait()
        if self.broken:
            raise PocketBaseConnectionError(request.url, message="reset")

    async def restore(self, **options: Unpack[CommonOptions]) -> float:
        """The seconds that it took."""
        pb = PocketBase("http://h", transport=MockTransport(self.answer, self.events), middleware=[])
        await pb.backups.restore("a.zip", wait=True, **options)
        return asyncio.get_running_loop().time()


@pytest.mark.parametrize("broken", [False, True])
def test_it_returns_when_the_server_is_back(broken: bool) -> None:
    server = FakeServer(1.0, broken=broken)
    assert 4.0 < run(server.restore()) < 5.0
    assert server.asked[0] == "restore"
    assert server.asked.count("restore") == 1
    assert server.streams == 1


def test_a_stream_is_replaced_before_a_proxy_ends_it() -> None:
    server = FakeServer(100.0)
    assert 103.0 < run(server.restore()) < 105.0
    assert server.streams == 3


def test_a_server_that_does_not_restart() -> None:
    with pytest.raises(PocketBaseTimeoutError, match=r"within 20 s \[http://h/api/backups/a\.zip/restore\]"):
        run(FakeServer(1e6).restore(timeout=20))


def test_a_refused_restore() -> None:
    server = FakeServer(1e6, status=400)
    with pytest.raises(PocketBaseBadRequestError, match=r"No\."):
        run(server.restore())
    assert server.asked == ["restore"]


def test_a_stream_that_ends_at_once() -> None:
    server = FakeServer(1.0, silent=True)
    with pytest.raises(PocketBaseConnectionError, match="ended at once"):
        run(server.restore())
    assert server.asked == [], "nothing was restored"


def test_a_restore_goes_out_as_the_user_who_asked_for_it_or_not_at_all() -> None:
    server = FakeServer(1.0)

    async def switch(request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        async for event in server.events(request):
            pb.auth_store.save(token(1000, id="ben"))
            yield event

    pb = PocketBase("http://h", transport=MockTransport(server.answer, switch), middleware=[])
    pb.auth_store.save(token(1000, id="ann"))
    with pytest.raises(PocketBaseUnauthorizedError, match="no longer signed in"):
        run(pb.backups.restore("a.zip", wait=True))
    assert server.asked == [], "nothing was restored"


class Odd(FakeServer):
    """Opens each stream after the first in another way."""

    def __init__(self, restarts_after: float, odd: str) -> None:
        super().__init__(restarts_after)
        self.odd = odd

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        if self.streams == 0:
            async for event in super().events(request):
                yield event
            return
        self.streams += 1
        if self.odd == "refused":
            raise PocketBaseConnectionError(request.url, message="refused", request_sent=False)
        if self.odd == "proxy":
            raise PocketBaseServerError(request.url, 502)
        if self.odd == "refused once" and self.streams == 2:
            raise PocketBaseConnectionError(request.url, message="reset", request_sent=False)
        if self.odd == "hangs":
            await asyncio.Event().wait()
        if self.odd == "late":
            await pass_time(2)
        yield ServerSentEvent("PB_CONNECT", json.dumps({"clientId": "c"}))
        gone = self._gone
        assert gone is not None
        if gone.is_set() or self.odd == "early":  # the restarted server stays
            gone = asyncio.Event()
        await gone.wait()


@pytest.mark.parametrize("odd", ["refused", "proxy", "late", "hangs", "early"])
def test_the_server_may_go_while_its_stream_is_replaced(odd: str) -> None:
    server = Odd(45.3, odd)
    assert 48.3 < run(server.restore()) < 50.0
    assert server.asked.count("restore") == 1


def test_a_stream_that_cannot_be_replaced_at_once_is_no_restart() -> None:
    server = Odd(80.0, "refused once")
    assert 83.0 < run(server.restore()) < 85.0
    assert server.streams == 3


def test_a_restore_that_is_cancelled_leaves_no_stream() -> None:
    async def cancel() -> int:
        before = asyncio.all_tasks()
        waiting = asyncio.create_task(Odd(1e6, "hangs").restore())
        await pass_time(46)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return len(asyncio.all_tasks() - before)

    assert run(cancel()) == 0
