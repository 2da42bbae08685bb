"""Retries over real connections: a server that is down gets few requests, and an unreliable one fails no read."""

import asyncio
import random

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Middleware, Retry
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import Connection, scripted_server, unused_port


async def test_a_server_that_is_down_gets_few_more_requests_than_there_are_calls(transport: Transport) -> None:
    attempts = 0

    async def count(request: Request, call_next: Handler) -> Response:
        nonlocal attempts
        attempts += 1
        return await call_next(request)

    # A quarter of the default quota, with as many calls, because the pool of httpx is slow to fail.
    layers: list[Middleware] = [Retry(backoff=0, quota=125), count]
    async with PocketBase(f"http://127.0.0.1:{unused_port()}", transport=transport, middleware=layers) as pb:
        outcomes = await asyncio.gather(*(pb.health.check() for _ in range(128)), return_exceptions=True)
    assert all(isinstance(outcome, PocketBaseConnectionError) for outcome in outcomes)
    assert attempts == 128 + 125 // 5 <= 1.2 * 128, "one retry costs five tokens"


async def test_no_read_fails_on_a_server_that_fails_one_request_in_twenty(transport: Transport) -> None:
    source, failures = random.Random(20), dict[str, int]()

    async def script(connection: Connection) -> None:
        while True:
            target = (await connection.request()).target
            if failures.get(target, 0) == 2 or source.random() >= 0.05:
                await connection.respond_json("{}")
                continue
            failures[target] = failures.get(target, 0) + 1
            if source.random() < 0.5:
                connection.reset()
                return
            await connection.respond(503)

    async with scripted_server(script) as server:
        async with PocketBase(server.url, transport=transport, middleware=[Retry(backoff=0)]) as pb:
            for start in range(0, 100, 10):
                await asyncio.gather(*(pb.send(f"/read/{start + number}") for number in range(10)))
    assert failures, "the server never failed"
