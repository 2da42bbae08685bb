"""Run property tests under atheris, which looks for input that reaches new code: `python -m tests.fuzz [TARGET …]`.

Needs the extra `fuzz`. A failure shows the arguments of the test that failed, in the form of an `@example`.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any

Check = Callable[[bytes], object]
TARGETS = {
    "paths": [
        "unit.test_security.test_custom_paths_stay_at_the_server",
        "unit.test_security.test_query_values_stay_values",
    ],
    "names": ["unit.test_security.test_names_and_ids_are_one_segment_each"],
    "headers": [
        "unit.test_security.test_headers_are_one_line_each",
        "unit.test_security.test_any_response_makes_a_readable_error",
    ],
    "filters": [
        "unit.calls.test_filters.test_both_grammars_read_what_was_meant",
        "unit.calls.test_filters.test_no_value_changes_what_is_around_it",
    ],
    "cookies": [
        "unit.test_security.test_cookies_come_back_and_hold_one_value",
        "unit.test_security.test_any_cookie_can_be_loaded_without_an_error",
        "unit.test_security.test_attributes_of_cookies_stay_attributes",
    ],
    "filenames": ["unit.test_security.test_file_names_stay_in_their_header"],
    "events": ["contract.test_malformed_input.test_all_transports_read_the_same_events"],
    "tokens": ["unit.test_security.test_any_token_can_be_read_without_an_error"],
    "json": [
        "unit.messages.test_json_values.test_the_default_reads_what_the_standard_library_reads",
        "unit.messages.test_json_values.test_bytes_that_are_no_text",
        "unit.test_unexpected_responses.test_any_bytes_give_a_value_or_an_error_of_this_library",
    ],
}
"""The property tests that each target runs in turn, as `module.function` below `tests`."""


def _check(name: str, loop: asyncio.AbstractEventLoop) -> Check:
    """Return a hypothesis test as a function of bytes."""
    module, _, function = name.rpartition(".")
    test: Any = getattr(import_module(f"tests.{module}"), function)
    inner: Any = test.hypothesis.inner_test

    @wraps(inner)
    def run(**drawn: Any) -> None:
        try:
            done = inner(**drawn)
            if iscoroutinefunction(inner):
                loop.run_until_complete(done)
        except Exception:
            traceback.print_exc()
            print(f"\n{function}: {drawn!r}", file=sys.stderr, flush=True)
            os._exit(1)

    test.hypothesis.inner_test = run
    check: Check = test.hypothesis.fuzz_one_input
    return check


def _fuzz(target: str, options: list[str]) -> None:
    """Run one target here; the process ends with it."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["pocketbase_core", "pocketbase_transports"]):
        loop = asyncio.new_event_loop()
        checks = [_check(name, loop) for name in TARGETS[target]]

    def one_input(data: bytes) -> None:
        checks[data[0] % len(checks) if data else 0](data[1:])

    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


def _run(target: str, seconds: int) -> bool:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as corpus:
        command = [sys.executable, "-m", "tests.fuzz", target, "--options", corpus, f"-artifact_prefix={corpus}/"]
        command += [f"-max_total_time={seconds}", "-timeout=20", "-len_control=0", "-max_len=600"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    runs = re.findall(r"^(?:#|Done )(\d+)", done.stdout, re.MULTILINE) or ["0"]
    is_well = done.returncode == 0 and "\nDone " in done.stdout
    took = time.monotonic() - start
    print(f"{target:<10} {runs[-1]:>9} runs {took:>5.0f} s  {'ok' if is_well else 'failed'}", flush=True)
    if not is_well:
        print(re.sub(r"^(#\d|INFO:).*\n", "", done.stdout, flags=re.MULTILINE)[-20_000:], flush=True)
    return is_well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=10, help="for each target (10)")
    parser.add_argument("--options", nargs=argparse.REMAINDER, help="of libFuzzer, for one target in this process")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - TARGETS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if arguments.options is not None:
        _fuzz(arguments.targets[0], arguments.options)
    ends = [_run(target, arguments.seconds) for target in arguments.targets or TARGETS]
    return 0 if all(ends) else 1


if __name__ == "__main__":
    sys.exit(main())
