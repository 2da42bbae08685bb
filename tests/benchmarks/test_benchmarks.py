"""The benchmarks run. People judge their results."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_command_prints_a_table() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--no-peers", "--rounds", "1"]
    done = subprocess.run(
        [*command, "requests", "blocking", "middleware", "decoding"], capture_output=True, text=True, check=True
    )
    assert "| get_one, 32 in flight: processor time / bare aiohttp |" in done.stdout
    assert "| get_one, blocking, one by one, aiohttp: requests a second / bare requests |" in done.stdout
    assert "| 20000 events of an iterator, blocking: rate / asynchronous |" in done.stdout
    assert "| Retry: added to a request |" in done.stdout
    assert "| decode 1,000 records: dataclass / msgspec |" in done.stdout


def test_an_unknown_measurement_is_refused_with_the_names_of_the_known_ones() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "speed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "there is no speed; there are requests, blocking, loops" in done.stderr
