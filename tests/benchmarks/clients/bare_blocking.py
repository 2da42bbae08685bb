"""The bare HTTP libraries that block: a status check and the decoding of the JSON for each request."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .worker import Job, repeat_in_threads, serve_blocking

_library: Any = import_module(sys.argv[1])
_sessions: list[Any] = []


def _make_session() -> Any:
    if sys.argv[1] == "requests":
        return _library.Session()
    return _library.Client(limits=_library.Limits(max_connections=100))


def _session(number: int) -> Any:
    while len(_sessions) <= number:
        _sessions.append(_make_session())
    return _sessions[number]


def get_one(job: Job) -> None:
    """Read a record, with a session for each thread if `sessions` is set, else with one for all."""
    url = f"{job.url}/api/collections/posts/records/abcdefghijklmno"
    sessions = [_session(thread if job.settings.get("sessions") else 0) for thread in range(job.in_flight)]

    def make_work(thread: int) -> Callable[[int], object]:
        session = sessions[thread]

        def once(_: int) -> None:
            response = session.get(url)
            response.raise_for_status()
            response.json()

        return once

    repeat_in_threads(job, make_work)


if __name__ == "__main__":
    serve_blocking({"get_one": get_one})
