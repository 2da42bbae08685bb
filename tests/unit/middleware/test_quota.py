"""The quota that all retries of a client share."""

import asyncio
import contextlib
import random
import threading
from typing import Any

import pytest

from pocketbase_core import AuthStore, PocketBase, PocketBaseConnectionError, PocketBaseTimeoutError, Request, Response
from pocketbase_core.middleware import Retry, chain
from pocketbase_core.middleware.quota import RetryQuota
from pocketbase_transports import MockTransport

LOST = PocketBaseConnectionError("http://h", message="lost")
LATE = PocketBaseTimeoutError("http://h", message="late")
GET = Request("GET", "http://h")


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def tokens(retry: Retry) -> int:
    quota: Any = getattr(retry, "_quota")
    assert isinstance(quota, RetryQuota)
    return quota.capacity - quota.spent


async def call(retry: Retry, *outcomes: Any, request: Request = GET) -> int:
    """Return how many attempts a call took."""
    remaining, attempts = [*outcomes], 0

    async def send(request: Request) -> Response:
        nonlocal attempts
        attempts += 1
        outcome = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(outcome, Exception):
            raise outcome
        return Response(outcome)

    with contextlib.suppress(PocketBaseConnectionError, PocketBaseTimeoutError):
        await chain([retry], send)(request)
    return attempts


@pytest.mark.parametrize(
    ("outcomes", "remaining"),
    [
        ([503], 90),
        ([LOST], 90),
        ([LATE], 80),
        ([LOST, LATE, 503], 85),
        ([503, 200], 100),
        ([503, 503, 200], 95),
        ([LATE, LOST, 204], 90),
        ([LOST, LATE, 200], 95),
        ([503, 404], 95),
        ([404], 100),
        ([200], 100),
    ],
)
async def test_a_call_pays_for_its_retries_and_a_success_returns_the_last_payment(
    outcomes: list[Any], remaining: int
) -> None:
    retry = Retry(quota=100, sleep=at_once)
    await call(retry, *outcomes)
    assert tokens(retry) == remaining


async def test_a_success_returns_one_token_up_to_the_capacity() -> None:
    retry = Retry(quota=100, sleep=at_once)
    for _ in range(3):
        await call(retry, 503)
    assert tokens(retry) == 70
    await call(retry, 200)
    assert tokens(retry) == 71
    await call(retry, 404)
    assert tokens(retry) == 71, "a 404 is not a success"
    for _ in range(50):
        await call(retry, 200)
    assert tokens(retry) == 100, "the bucket never holds more than its capacity"


async def test_an_outcome_is_final_when_too_few_tokens_are_left() -> None:
    retry = Retry(quota=9, sleep=at_once)
    assert [await call(retry, outcome) for outcome in (LATE, 503, LOST)] == [1, 2, 1]
    assert tokens(retry) == 4, "only the 503 was affordable: it costs 5 of 9"
    assert await call(retry, 503, 200) == 1
    await call(retry, 200)
    assert await call(retry, 503, 200) == 2


@pytest.mark.parametrize("quota", [100, None])
async def test_a_retry_that_is_cancelled_before_it_is_sent_costs_nothing(quota: int | None) -> None:
    is_waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        is_waiting.set()
        await asyncio.Event().wait()

    retry = Retry(quota=quota, sleep=sleep)
    calling = asyncio.create_task(call(retry, LATE))
    await is_waiting.wait()
    assert quota is None or tokens(retry) == 90
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert quota is None or tokens(retry) == 100


async def test_a_retry_that_is_cancelled_after_it_was_sent_costs_its_tokens() -> None:
    attempts: list[Request] = []
    is_sent = asyncio.Event()

    async def send(request: Request) -> Response:
        attempts.append(request)
        if len(attempts) == 2:
            is_sent.set()
            await asyncio.Event().wait()
        return Response(503)

    retry = Retry(quota=100, sleep=at_once)
    calling = asyncio.ensure_future(chain([retry], send)(GET))
    await is_sent.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert tokens(retry) == 95


async def test_a_request_that_is_not_repeated_costs_nothing() -> None:
    retry = Retry(quota=100, sleep=at_once)
    await call(retry, LOST, request=Request("POST", "http://h"))
    await call(retry, 503, request=Request("GET", "http://h", timeout=1e-9))
    assert tokens(retry) == 100
    assert await call(Retry(quota=None, sleep=at_once), LOST) == 3


async def test_the_clients_of_with_auth_store_share_a_quota() -> None:
    retry = Retry(quota=20, sleep=at_once)
    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(503)), middleware=[retry])
    for client in (pb, pb.with_auth_store(AuthStore())):
        with pytest.raises(Exception, match="503"):
            await client.health.check()
    assert tokens(retry) == 0


async def test_the_quota_bounds_the_attempts_of_many_calls_to_a_server_that_is_down() -> None:
    for quota, limit in ((500, 1.2), (None, 3.0)):
        attempts = 0

        async def send(request: Request) -> Response:
            nonlocal attempts
            attempts += 1
            await asyncio.sleep(0)
            raise LOST

        handle = chain([Retry(quota=quota, sleep=at_once)], send)
        await asyncio.gather(*(handle(GET) for _ in range(512)), return_exceptions=True)
        assert limit - 0.01 < attempts / 512 <= limit


async def test_no_read_fails_when_the_server_fails_one_request_in_twenty() -> None:
    source, lowest = random.Random(20), 500
    retry = Retry(sleep=at_once)

    async def read() -> None:
        nonlocal lowest
        failures = 0

        async def send(request: Request) -> Response:
            nonlocal failures, lowest
            await asyncio.sleep(0)
            lowest = min(lowest, tokens(retry))
            if failures < 2 and source.random() < 0.05:
                failures += 1
                if source.random() < 0.5:
                    raise LOST
                return Response(503)
            return Response(200)

        assert (await chain([retry], send)(GET)).status_code == 200

    for _ in range(40):
        await asyncio.gather(*(read() for _ in range(100)))
    assert lowest > 400, "the quota was nearly used up"
    assert tokens(retry) == 500


def test_no_token_is_lost_when_threads_use_one_quota() -> None:
    quota = RetryQuota(100_000)

    def spend() -> None:
        for _ in range(5000):
            quota.release(quota.acquire(LOST) - 1)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert quota.spent == 4 * 5000
