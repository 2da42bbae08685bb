"""Programs that end without closing their clients."""

import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from .test_calls import own_threads

START = """
import threading
from pocketbase_core import Response, ServerSentEvent
from pocketbase_core.blocking import PocketBase
from pocketbase_transports import MockTransport

events = [ServerSentEvent("PB_CONNECT", '{"clientId": "c1"}'), ServerSentEvent("a", "1")]
pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(200, json="ok"), events=events))
"""
WARNING = "ResourceWarning: PocketBase('http://h') was not closed: use `with`, or close()"


def run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *arguments, "-c", START + textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(
    "program",
    [
        "print(pb.send('/x'))",
        "pb.realtime.subscribe('a', lambda _: None); print('ok')",
        "pb.realtime.subscribe('a', lambda _: threading.Event().wait()); print('ok')",
        "stream = pb.realtime.events('a').__enter__(); print('ok' if next(stream) == 1 else stream)",
    ],
)
def test_a_program_that_does_not_close_its_client_ends_with_a_warning(program: str) -> None:
    done = run(f"pb.send('/x')\n{program}", "-W", "always::ResourceWarning")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    assert done.stderr.count(WARNING) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_ends_although_a_daemon_thread_waits_for_an_event() -> None:
    program = """
        def wait():
            with pb.realtime.events("b") as events:
                waits.set()
                next(events)

        waits = threading.Event()
        threading.Thread(target=wait, daemon=True).start()
        waits.wait()
    """
    assert run(program).returncode == 0


def test_a_program_that_closes_its_client_ends_silently() -> None:
    done = run("pb.send('/x'); pb.close()", "-X", "dev", "-W", "error")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_that_was_never_used_ends_silently() -> None:
    done = run("", "-X", "dev", "-W", "error")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_that_is_deleted_warns_and_ends_the_portal() -> None:
    program = """
        import time
        pb.send('/x')
        del pb; __import__("gc").collect()
        while len(threading.enumerate()) > 1:
            time.sleep(0.001)
        print('ok')
    """
    done = run(program, "-W", "always::ResourceWarning")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    assert done.stderr.count(WARNING) == 1, done.stderr


def test_ctrl_c_ends_a_program_that_waits() -> None:
    program = START + textwrap.dedent("""
        with pb, pb.realtime.events("b") as events:
            print("waiting", flush=True)
            next(events)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert errors.strip().endswith("KeyboardInterrupt")


def test_no_test_of_this_process_has_left_a_thread() -> None:
    assert own_threads() == []
    assert threading.main_thread().is_alive()


@pytest.mark.parametrize("use", ["", "pb.send('/x')", "if os.fork() == 0: pb.send('/x')", "pb.send('/x'); os.fork()"])
def test_a_client_that_atexit_closes_starts_no_thread_at_the_end(use: str) -> None:
    program = f"""
        import atexit, os

        def close():
            threading.Thread.start = None  # as Python 3.12 refuses to start a thread
            pb.close()

        atexit.register(close)
        {use}
    """
    # From Python 3.12 on, a fork in a process with threads is warned of.
    done = run(program, "-W", "always::ResourceWarning", "-W", "ignore:This process:DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
