"""Requests that are repeated, the waits before that, and requests that are not. No time passes here."""

import logging
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from pocketbase_core import PocketBaseConnectionError, PocketBaseTransportError, Request, Response
from pocketbase_core.messages import Headers
from pocketbase_core.messages.uploads import FileUpload
from pocketbase_core.middleware import Logging, Retry, chain


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def run(outcomes: list[Any], request: Request, **settings: Any) -> tuple[Any, list[Request], Clock]:
    """Return the last outcome, the requests that were sent, and the clock."""
    clock, seen = Clock(), list[Request]()

    async def send(request: Request) -> Response:
        seen.append(request)
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        clock.now += settings.get("takes", 0.0)
        if isinstance(outcome, Exception):
            raise outcome
        return Response(outcome) if isinstance(outcome, int) else outcome

    jitter = settings.pop("jitter", lambda: 1.0)
    retry = Retry(clock=clock, sleep=clock.sleep, jitter=jitter, **{k: v for k, v in settings.items() if k != "takes"})
    try:
        return await chain([retry], send)(request), seen, clock
    except PocketBaseTransportError as error:
        return error, seen, clock


def lost(sent: bool | None) -> PocketBaseConnectionError:
    return PocketBaseConnectionError("http://h", request_sent=sent)


@pytest.mark.parametrize(
    ("method", "outcome", "attempts"),
    [
        *[("GET", status, 3) for status in (429, 502, 503, 504)],
        *[("DELETE", status, 3) for status in (429, 502, 503, 504)],
        *[(method, 503, 3) for method in ("HEAD", "OPTIONS")],
        *[(method, status, 1) for method in ("POST", "PATCH", "PUT") for status in (502, 503, 504)],
        *[(method, 429, 3) for method in ("POST", "PATCH", "PUT")],
        *[("GET", status, 1) for status in (200, 204, 301, 400, 401, 403, 404, 500)],
        *[("GET", lost(sent), 3) for sent in (True, False, None)],
        *[("DELETE", lost(sent), 3) for sent in (True, False, None)],
        *[(method, lost(False), 3) for method in ("POST", "PATCH", "PUT")],
        *[(method, lost(sent), 1) for method in ("POST", "PATCH", "PUT") for sent in (True, None)],
    ],
)
async def test_a_request_is_repeated_only_if_that_can_do_no_harm(method: str, outcome: Any, attempts: int) -> None:
    result, seen, _ = await run([outcome], Request(method, "/"))
    assert len(seen) == attempts
    assert result is outcome or result.status_code == outcome


async def test_statuses_of_the_caller_repeat_reads_and_no_creates() -> None:
    for method, attempts in (("GET", 3), ("POST", 1)):
        _, seen, _ = await run([408], Request(method, "/"), statuses=[408, 429])
        assert len(seen) == attempts


async def test_a_create_that_may_have_arrived_is_repeated_only_with_creates() -> None:
    create = Request("POST", "http://h/api/collections/posts/records", body={"title": "a"})
    _, seen, _ = await run([lost(None)], create)
    assert seen == [create]
    _, seen, _ = await run([lost(None)], create, creates=True)
    assert [request.body["id"] for request in seen] == [seen[0].body["id"]] * 3


async def test_no_attempt_follows_a_success() -> None:
    result, seen, _ = await run([lost(None), 503, 200], Request("GET", "/"))
    assert (result.status_code, len(seen)) == (200, 3)


async def test_waits_double_up_to_max_delay_with_full_jitter() -> None:
    _, _, clock = await run([503], Request("GET", "/"), attempts=7)
    assert clock.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    source = random.Random(1)
    _, _, clock = await run([503], Request("GET", "/"), attempts=50, jitter=source.random)
    assert all(0 <= wait <= 5 for wait in clock.slept)
    assert len(set(clock.slept)) == 49, "no two waits are equal"


async def test_both_forms_of_retry_after_replace_the_random_wait() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True)
    for value, low, high in (("3", 3, 3), (later, 2.5, 4.0), ("nonsense", 0.2, 0.2), ("-1", 0.2, 0.2)):
        _, _, clock = await run([Response(429, {"Retry-After": value}), 200], Request("POST", "/"))
        assert low <= clock.slept[0] <= high, value
    past = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    _, _, clock = await run([Response(503, {"Retry-After": past}), 200], Request("GET", "/"))
    assert clock.slept == [0.0]


async def test_a_retry_after_above_max_delay_makes_the_response_final() -> None:
    result, seen, clock = await run([Response(429, {"Retry-After": "60"})], Request("GET", "/", timeout=None))
    assert (result.status_code, len(seen), clock.slept) == (429, 1, [])


async def test_all_attempts_share_the_timeout_of_the_request() -> None:
    _, seen, clock = await run([503], Request("GET", "/", timeout=10.0), attempts=9, takes=3.0)
    assert [request.timeout for request in seen] == [10.0, pytest.approx(6.8), pytest.approx(3.4)]
    assert clock.now <= 110
    _, seen, _ = await run([lost(None)], Request("GET", "/", timeout=10.0), attempts=9, takes=3.0)
    assert [request.timeout for request in seen] == [10.0, pytest.approx(6.8), pytest.approx(3.4)]


async def test_a_create_and_its_lookups_share_one_timeout() -> None:
    create = Request("POST", "http://h/api/collections/posts/records", body={}, timeout=10.0)
    outcomes = [lost(None), Response(400, json={"message": "No.", "data": {}}), Response(200, json={"id": "x"})]
    result, seen, _ = await run(outcomes, create, creates=True, takes=3.0)
    assert result.status_code == 200
    assert [(request.method, request.timeout) for request in seen] == [
        ("POST", 10.0),
        ("POST", pytest.approx(6.8)),
        ("GET", pytest.approx(3.8)),
    ]


async def test_no_attempt_is_made_that_would_begin_when_the_timeout_ends() -> None:
    _, seen, clock = await run([503], Request("GET", "/", timeout=0.2))
    assert (len(seen), clock.slept) == (1, [])


async def test_an_attempt_after_a_sleep_beyond_the_timeout_has_one_millisecond() -> None:
    clock, timeouts = Clock(), list[float | None]()

    async def oversleep(seconds: float) -> None:
        clock.now += 60

    async def send(request: Request) -> Response:
        timeouts.append(request.timeout)
        return Response(503)

    await chain([Retry(attempts=2, clock=clock, sleep=oversleep)], send)(Request("GET", "/", timeout=10.0))
    assert timeouts == [10.0, 0.001], "a timeout must be above 0"


async def test_a_request_with_a_file_that_cannot_be_read_again_is_not_repeated() -> None:
    class Pipe:
        def read(self, size: int) -> bytes:
            return b""

    for content, attempts in ((Pipe(), 1), (b"x", 3)):
        files = tuple(("f", file) for file in FileUpload(("a", content)).files)
        _, seen, _ = await run([429], Request("POST", "/", files=files))
        assert len(seen) == attempts


async def test_fewer_than_one_attempt_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="starts at 1"):
        Retry(attempts=0)
    _, seen, _ = await run([503], Request("GET", "/"), attempts=1)
    assert len(seen) == 1


RECORD = "http://h/api/collections/posts/records/x"
BACKUP = "http://h/api/backups/a%20b.zip"
MISSING = Response(404, json={"message": "None.", "data": {}})
UNKNOWN_BACKUP = Response(400, json={"message": "Invalid or already deleted backup file.", "data": {}})


@pytest.mark.parametrize(
    ("url", "outcomes", "status", "methods"),
    [
        *[
            (RECORD, [failure, MISSING, Response(404)], 204, "DELETE DELETE HEAD")
            for failure in (lost(None), lost(True), 502, 503, 504)
        ],
        (RECORD, [MISSING], 404, "DELETE"),
        (RECORD, [lost(False), MISSING], 404, "DELETE DELETE"),
        (RECORD, [429, MISSING], 404, "DELETE DELETE"),
        (RECORD, [lost(None), lost(False), MISSING, Response(404)], 204, "DELETE DELETE DELETE HEAD"),
        (RECORD, [lost(None), 204], 204, "DELETE DELETE"),
        (RECORD, [lost(None), MISSING, 200], 404, "DELETE DELETE HEAD"),
        *[(RECORD, [lost(None), MISSING, unclear], 204, "DELETE DELETE HEAD") for unclear in (403, 405, lost(None))],
        (RECORD, [lost(None), UNKNOWN_BACKUP], 400, "DELETE DELETE"),
        (BACKUP, [lost(None), UNKNOWN_BACKUP, Response(200, json=[{"key": "c.zip"}, 3])], 204, "DELETE DELETE GET"),
        (BACKUP, [lost(None), UNKNOWN_BACKUP, Response(200, json=[{"key": "a b.zip"}])], 400, "DELETE DELETE GET"),
        *[
            (BACKUP, [lost(None), UNKNOWN_BACKUP, odd], 400, "DELETE DELETE GET")
            for odd in (403, lost(None), Response(200, json={}), Response(200, content=b"<"))
        ],
        (BACKUP, [UNKNOWN_BACKUP], 400, "DELETE"),
        *[(BACKUP, [lost(None), status], status, "DELETE DELETE") for status in (204, 403, 500)],
        (f"{BACKUP}?a=b", [lost(None), UNKNOWN_BACKUP], 400, "DELETE DELETE"),
    ],
)
async def test_a_repeated_delete_is_a_success_if_its_target_is_gone(
    url: str, outcomes: list[Any], status: int, methods: str
) -> None:
    result, seen, _ = await run(outcomes, Request("DELETE", url, {"p": "1"}, body={"a": 1}, timeout=9.0))
    assert result.status_code == status
    assert " ".join(request.method for request in seen) == methods
    if seen[-1].method != "DELETE":
        assert seen[-1].url == (RECORD if url == RECORD else "http://h/api/backups")
        assert seen[-1].body is None
        assert 8 < (seen[-1].timeout or 0) < 9, "the request has what remains of the timeout"


async def test_a_repeated_read_that_finds_nothing_is_a_404() -> None:
    for method in ("GET", "HEAD"):
        result, seen, _ = await run([lost(None), MISSING], Request(method, RECORD))
        assert (result, len(seen)) == (MISSING, 2)


async def test_each_attempt_has_a_log_line_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    refused = PocketBaseConnectionError(
        "http://h/api/x?token=tok", message="cannot connect to h:\nConnection refused", request_sent=False
    )
    outcomes: list[Any] = [503, refused, 200]

    async def send(request: Request) -> Response:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Response(outcome, {"Set-Cookie": "tok"})

    async def at_once(_: float) -> None:
        pass

    headers = Headers({"Authorization": "tok"})
    request = Request("DELETE", "http://h/api/x?token=tok", {"t": "tok"}, headers, {"p": "tok"})
    with caplog.at_level(logging.DEBUG, "pocketbase_core"):
        await chain([Retry(sleep=at_once), Logging()], send)(request)
    assert [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records] == [
        "DELETE /api/x 503",
        "DELETE /api/x (PocketBaseConnectionError: cannot connect to h: Connection refused)",
        "DELETE /api/x 200",
    ]
    assert "tok" not in caplog.text
