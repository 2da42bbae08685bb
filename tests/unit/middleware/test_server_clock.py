"""The server's time, where this machine's clock is wrong."""

import time
from email.utils import formatdate

import pytest

from pocketbase_core import Response
from pocketbase_core.middleware.server_clock import ServerClock

SERVER_TIME = 1_700_000_000.0


@pytest.mark.parametrize(
    ("offset", "correction"), [(0.0, 0.0), (0.9, 0.0), (-0.9, 0.9), (7200.0, -7198.8), (-7200.0, 7200.0)]
)
def test_a_clock_is_corrected_by_no_more_than_a_response_proves(
    offset: float, correction: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_at = SERVER_TIME + offset - 0.2
    monkeypatch.setattr(time, "time", lambda: SERVER_TIME + offset)
    clock = ServerClock()
    clock.observe(Response(200, {"date": formatdate(SERVER_TIME, usegmt=True)}), sent_at)
    assert clock.correction == pytest.approx(correction)
    assert abs(clock.now() - SERVER_TIME) < 1.3


def test_a_clock_that_was_set_right_is_no_longer_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, response = ServerClock(), Response(200, {"Date": formatdate(SERVER_TIME, usegmt=True)})
    for offset, is_corrected in ((-3600.0, True), (0.0, False)):
        monkeypatch.setattr(time, "time", lambda offset=offset: SERVER_TIME + offset)
        clock.observe(response, SERVER_TIME + offset)
        assert (clock.correction != 0.0) is is_corrected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": "yesterday"},
        {"Date": "Tue, 14 Foo 2023 22:13:20 GMT"},
        {"Date": "Tue, 99 Nov 2023 99:99:99 GMT"},
        {"Date": formatdate(SERVER_TIME, usegmt=True), "Age": "3600"},
    ],
)
def test_a_response_without_a_date_of_the_server_says_nothing(headers: dict[str, str]) -> None:
    clock = ServerClock()
    clock.observe(Response(200, headers), time.time())
    assert clock.correction == 0.0
