"""The blocking face of this library on the transport that the first argument names."""

import sys
from collections.abc import Callable

from pocketbase_core.blocking import PocketBase
from pocketbase_core.realtime.timing import RealtimeSettings

from .ours import make_transport
from .worker import Job, repeat_in_threads, serve_blocking

_transport = make_transport(sys.argv[1])
_clients: dict[str, PocketBase] = {}


def _client(job: Job) -> PocketBase:
    if job.url not in _clients:
        _clients[job.url] = PocketBase(job.url, transport=_transport)
    return _clients[job.url]


def get_one(job: Job) -> None:
    posts = _client(job).collection("posts")
    repeat_in_threads(job, lambda _: lambda _: posts.get_one("abcdefghijklmno"))


def iterate(job: Job) -> int:
    count = sum(1 for _ in _client(job).collection(f"list{job.count}").iterate())
    assert count == job.count
    return count


def create_many(job: Job) -> None:
    pb = _client(job)
    pb.admins.auth.with_password(*job.settings["superuser"])
    rows = ({"title": f"title {number}", "n": number} for number in range(job.count))
    result = pb.collection("writes").create_many(rows)
    assert result.created == job.count


def event_stream(job: Job) -> None:
    """Iterate over the events of a topic."""
    with PocketBase(f"{job.url}/events/{job.count}", transport=make_transport(sys.argv[1])) as pb:
        pb.realtime.settings = RealtimeSettings(queue_size=job.count)
        with pb.realtime.events("posts/*") as stream:
            for _ in range(job.count):
                next(stream)


if __name__ == "__main__":
    jobs: list[Callable[[Job], object]] = [get_one, iterate, create_many, event_stream]
    serve_blocking({job.__name__: job for job in jobs})
