"""Fork a process while a blocking client is in use, and use the client in both processes.

python -m tests.helpers.blocking_forking LIBRARY

`tests/contract/test_blocking_forks.py` runs this module. The program prints the name of each state that passed. A child
prints the traceback of its failure.
"""

import faulthandler
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, cast

from pocketbase_core import Request, RequestDraft, Response
from pocketbase_core.blocking import Handler, LocalServer, PocketBase
from tests.helpers.child_process import in_child, wait
from tests.helpers.transports import MAKERS

LIMIT = 20
HOOKS = """routerAdd("GET", "/slow", (e) => { sleep(300); return e.json(200, "slow") })"""
FIELDS = [{"name": "n", "type": "number"}]


def use(pb: PocketBase) -> None:
    """Use everything of a client."""
    posts = pb.collection("posts")
    with posts.events() as events:
        record = posts.create({"n": os.getpid()})
        event: Any = events.next(timeout=10)
        while event["record"]["id"] != record["id"]:  # of the other process
            event = events.next(timeout=10)
    assert record["id"] in {each["id"] for each in posts.iterate(1)}
    posts.delete(record["id"])


def fork(pb: PocketBase) -> None:
    """Use a client in a child, then close it there, and use it in the parent."""

    def work() -> None:
        use(pb)
        pb.close()

    wait(in_child(work, LIMIT))


def fails(work: Callable[[], object]) -> None:
    """Assert that something raises an error that tells of the other process."""
    try:
        work()
    except RuntimeError as error:
        assert "process" in str(error), error
    else:
        raise AssertionError("nothing was raised")


def unused(pb: PocketBase) -> None:
    fork(pb)


def used(pb: PocketBase) -> None:
    use(pb)
    fork(pb)
    wait(in_child(lambda: fork(pb), LIMIT))  # a grandchild


def in_a_call_of_another_thread(pb: PocketBase) -> None:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(pb.send("/slow")))
    thread.start()
    fork(pb)
    thread.join()
    assert results == ["slow"]


def in_a_hook(pb: PocketBase) -> None:
    forked: list[int] = []
    parent = os.getpid()

    def hook(_: RequestDraft) -> None:
        if not forked:
            forked.append(os.fork())

    pb.before_send = hook
    try:
        pb.health.check()
        in_parent = True
    except RuntimeError as error:
        assert "forked during the call" in str(error)
        in_parent = False
    assert in_parent == (os.getpid() == parent)
    pb.before_send = cast(Any, lambda _: None)  # pyright: ignore[reportUnknownLambdaType] - of a hook
    use(pb)
    if not in_parent:
        os._exit(0)
    wait(forked[0])


def in_middleware(pb: PocketBase) -> None:
    children: list[int] = []
    is_first = True

    def middleware(request: Request, call_next: Handler) -> Response:
        nonlocal is_first
        if is_first:
            is_first = False
            children.append(in_child(lambda: use(other), LIMIT))
        return call_next(request)

    transport = MAKERS[LIBRARY]()
    with PocketBase(pb.base_url, transport=transport, auth_store=pb.auth_store, middleware=[middleware]) as other:
        assert other.health.check()["code"] == 200
        wait(children[0])
        use(other)


def with_a_subscription(pb: PocketBase) -> None:
    came = threading.Semaphore(0)
    unsubscribe = pb.collection("posts").subscribe_all(lambda _: came.release())
    client_id = pb.realtime.client_id
    fork(pb)
    use(pb)
    assert came.acquire(timeout=10)
    assert pb.realtime.client_id == client_id
    unsubscribe()


def in_a_callback(pb: PocketBase) -> None:
    done = threading.Event()

    def callback(_: Any) -> None:
        if not done.is_set():
            fork(pb)
            done.set()

    unsubscribe = pb.collection("posts").subscribe_all(callback)
    use(pb)
    assert done.wait(LIMIT)
    unsubscribe()


def in_a_block_of_events(pb: PocketBase) -> None:
    with pb.collection("posts").events() as events:

        def work() -> None:
            fails(lambda: events.next(timeout=1))
            use(pb)

        wait(in_child(work, LIMIT))
        record = pb.collection("posts").create({"n": 1})
        event: Any = next(events)
        while event["record"]["id"] != record["id"]:  # of the child
            event = next(events)


def in_a_live_query(pb: PocketBase) -> None:
    with pb.collection("posts").live() as live:

        def work() -> None:
            assert not live.is_current
            fails(lambda: live.next(timeout=1))
            use(pb)

        count = len(live)
        wait(in_child(work, LIMIT))
        record = pb.collection("posts").create({"n": 1})
        while live.get(record["id"]) is None:
            next(live)
        assert len(live) == count + 1


def in_an_iteration(pb: PocketBase) -> None:
    posts = pb.collection("posts")
    posts.create_many({"n": number} for number in range(10))
    records = posts.iterate(3)
    seen = [next(records)["id"]]
    rest: list[str] = []

    def work() -> None:
        rest.extend(each["id"] for each in records)
        assert len(rest) >= 9

    wait(in_child(work, LIMIT))
    seen += [each["id"] for each in records]
    assert len(seen) == len(set(seen)) >= 10


def in_a_batch(pb: PocketBase) -> None:
    batch = pb.create_batch()
    queued = batch.collection("posts").create({"n": 5})
    wait(in_child(batch.send, LIMIT))
    batch.send()
    assert queued.body["n"] == 5


def in_a_stream(pb: PocketBase) -> None:
    with pb.stream("/slow") as response:
        chunks = response.iter_bytes()

        def work() -> None:
            fails(lambda: next(chunks))
            use(pb)

        wait(in_child(work, LIMIT))
        assert b"".join(chunks).strip() == b'"slow"'


def closed(pb: PocketBase) -> None:
    pb.close()

    def work() -> None:
        try:
            pb.health.check()
        except RuntimeError as error:
            assert "closed" in str(error)
        with PocketBase(pb.base_url, transport=MAKERS[LIBRARY](), auth_store=pb.auth_store) as other:
            use(other)

    wait(in_child(work, LIMIT))


STATES = [
    unused,
    used,
    in_a_call_of_another_thread,
    in_a_hook,
    in_middleware,
    with_a_subscription,
    in_a_callback,
    in_a_block_of_events,
    in_a_live_query,
    in_an_iteration,
    in_a_batch,
    in_a_stream,
    closed,
]


def main() -> None:
    with LocalServer(hooks=HOOKS) as server:
        with PocketBase(server.url, transport=MAKERS[LIBRARY]()) as pb:
            pb.admins.auth.with_password(*server.superuser)
            pb.settings.update({"batch": {"enabled": True}})
            rules = dict.fromkeys(("listRule", "viewRule", "createRule", "deleteRule"), "")
            pb.collections.create({"name": "posts", "type": "base", "fields": FIELDS, **rules})
            store = pb.auth_store
        for state in STATES:
            with PocketBase(server.url, transport=MAKERS[LIBRARY](), auth_store=store) as pb:
                state(pb)
                if state is not closed:
                    use(pb)
            print(state.__name__, flush=True)


if __name__ == "__main__":
    LIBRARY = sys.argv[1]
    faulthandler.register(signal.SIGALRM, chain=True)
    # httpcore tries to import it at each request; an import that another thread is in blocks it in a forked child.
    sys.modules.setdefault("sniffio", cast(Any, None))
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)  # of 3.12
    main()
