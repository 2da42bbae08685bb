"""The portal and the claims to it, in the moments that programs rarely meet."""

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from pocketbase_core import AuthStore, Request, Response
from pocketbase_core.blocking import PocketBase
from pocketbase_core.blocking import portal as portals
from pocketbase_core.blocking.call import BlockingCall
from pocketbase_core.blocking.lease import Lease
from pocketbase_core.concurrency.callbacks import hand_over

from ...helpers.tokens import token
from .test_calls import Hanging, client, interrupt_when, own_threads, waiting_call
from .test_functions import emitting

end_at_exit: Callable[[], None] = getattr(portals, "_end_at_exit")
forget_portal: Callable[[], None] = getattr(portals, "_forget_portal")


def current() -> portals.Portal:
    portal: portals.Portal = vars(portals)["_current"]
    return portal


@contextmanager
def loop_stopped() -> Generator[threading.Event, None, None]:
    """Keep the loop from running anything in the block, until the event is set."""
    reached, go_on = threading.Event(), threading.Event()

    def stop() -> None:
        reached.set()
        go_on.wait(10)

    current().loop.call_soon_threadsafe(stop)
    assert reached.wait(10)
    try:
        yield go_on
    finally:
        go_on.set()


def test_an_interrupt_before_the_call_has_begun_cancels_it() -> None:
    sent: list[str] = []

    def respond(request: Request) -> Response:
        sent.append(request.url)
        return Response(200, json=1)

    with client(respond) as pb:
        pb.send("/first")
        with loop_stopped() as go_on:
            main = threading.main_thread().ident
            assert main is not None

            def press() -> None:
                scheduled: Sequence[object] = vars(current().loop)["_ready"]
                while "BlockingCall.start" not in repr([*scheduled]):
                    pass
                signal.pthread_kill(main, signal.SIGINT)
                while "BlockingCall._cancel_task" not in repr([*scheduled]):
                    pass
                go_on.set()

            thread = threading.Thread(target=press)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                pb.send("/second")
            thread.join()
        pb.send("/third")
        begins_at_once = current().loop.get_task_factory() is not None
    assert [each.rpartition("/")[2] for each in sent] == ["first", *(["second"] if begins_at_once else []), "third"]


def test_a_function_that_is_due_when_the_call_is_interrupted_runs_on_another_thread() -> None:
    server, names = Hanging(), list[str]()
    called = threading.Event()

    async def middleware(request: Request, call_next: Any) -> Response:
        try:
            response: Response = await call_next(request)
            return response
        finally:
            pb.auth_store.save(token(3600), {"id": "u1"})

    def on_change(*_: object) -> None:
        names.append(threading.current_thread().name)
        called.set()

    with client(server, timeout=None, middleware=[middleware]) as pb:
        pb.auth_store.on_change(on_change)
        with interrupt_when(server.asked), pytest.raises(KeyboardInterrupt):
            pb.send("/slow")
        assert called.wait(10)
    assert names == ["pocketbase-callback"]


def test_a_portal_that_has_ended_refuses_calls() -> None:
    async def work() -> None:
        raise AssertionError

    with client() as pb:
        pb.send("/x")
        portal = current()
    with pytest.raises(RuntimeError, match="closed before the call was done"):
        portal.run(work())
    portal.close_later(work(), pb)
    call = BlockingCall(portal, work(), None)
    call.abandon("too late")
    call.abandon("much too late")
    call.start()
    getattr(call, "_cancel_task")()
    with pytest.raises(RuntimeError, match=r"^too late"):
        call.wait()


def test_a_call_that_comes_while_the_loop_ends_is_refused() -> None:
    async def work() -> None:
        raise AssertionError

    portal = portals.Portal()  # not that of the other clients
    call = BlockingCall(portal, work(), None)
    portal.calls.add(call)
    portals.release_portal(portal, call)
    with pytest.raises(RuntimeError, match="closed before the call was done"):
        call.wait()


def test_a_notification_after_the_end_of_its_call_is_not_left_to_the_thread_of_the_call() -> None:
    seen: list[threading.Thread] = []
    with client() as pb:
        pb.send("/x")

        async def change() -> None:
            elsewhere = hand_over.get()
            assert elsewhere is not None
            asyncio.get_running_loop().call_later(0.001, elsewhere, lambda: seen.append(threading.current_thread()))

        current().run(change())
        while not seen:
            pb.send("/x")
    assert [each.name for each in seen] == ["pocketbase-portal"]


def test_a_loop_that_cannot_be_started_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(main: Coroutine[Any, Any, None]) -> None:
        main.close()
        raise OSError("too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("asyncio.run", fail)
        pb = client()
        with pytest.raises(RuntimeError, match="could not be started") as caught:
            pb.send("/x")
    assert str(caught.value.__cause__) == "too many open files"
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert pb.send("/x")["url"] == "/x"
    pb.close()


def test_the_end_of_the_program_stops_the_portal_with_a_warning() -> None:
    end_at_exit()
    pb = client()
    pb.send("/x")
    with pytest.warns(ResourceWarning, match=r"PocketBase\('http://h'\) was not closed"):
        end_at_exit()
    assert own_threads() == []
    pb.close()


def test_a_forked_child_has_a_portal_of_its_own() -> None:
    forget_portal()
    forget_portal()
    with waiting_call("the process was forked during the call, whose result only the parent gets") as pb:
        portal_of_parent = current()
        forget_portal()  # as a child does
    assert pb.send("/fast") == "fast"
    assert current() is not portal_of_parent
    pb.close()
    portals.release_portal(portal_of_parent, pb)
    portal_of_parent.stop()
    assert own_threads() == []


@contextmanager
def faster_thread(
    monkeypatch: pytest.MonkeyPatch, client: PocketBase, act: Callable[[Lease], object]
) -> Generator[None, None, None]:
    """Have another thread use the client at the moment when this thread is about to start the portal."""

    class Lock:
        def __enter__(self) -> None:
            act(vars(client)["_lease"])

        def __exit__(self, *_: object) -> None: ...

    with monkeypatch.context() as patched:
        patched.setattr("pocketbase_core.blocking.lease.start_lock", Lock())
        yield


def test_threads_that_start_at_once_share_a_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    def acquire(lease: Lease) -> None:
        vars(lease)["_portal"] = portals.acquire_portal(lease, "a test")

    pb = client()
    with faster_thread(monkeypatch, pb, acquire):
        assert pb.send("/x")["url"] == "/x"
    assert own_threads() == ["pocketbase-portal"]
    pb.close()


def test_a_client_that_another_thread_has_just_closed_starts_no_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(lease: Lease) -> None:
        vars(lease)["_was_closed"] = True

    pb = client()
    with faster_thread(monkeypatch, pb, close), pytest.raises(RuntimeError, match="this client was closed"):
        pb.send("/x")
    assert own_threads() == []


def test_a_client_that_is_forgotten_ends_its_threads() -> None:
    came = threading.Event()

    def subscribe() -> None:
        pb = PocketBase("http://h", transport=emitting("1"))
        with pb.with_auth_store(AuthStore()) as light:
            unsubscribe = light.realtime.subscribe("a", lambda _: came.set())
            assert came.wait(10)
            unsubscribe()

    def forget() -> None:
        subscribe()
        while own_threads():  # the thread of the callback may still refer to the client
            gc.collect()

    with pytest.warns(ResourceWarning, match="was not closed"):
        forget()


async def test_a_notebook_may_block_but_not_a_program() -> None:
    with pytest.raises(RuntimeError, match="event loop is running"):
        portals.check_no_running_loop()
    await asyncio.to_thread(portals.check_no_running_loop)
