"""Threads wait for calls of the blocking client; each ends with its result, its error, or its interruption."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

import pocketbase_core
from pocketbase_core import PocketBaseNotFoundError, Request, Response
from pocketbase_core.blocking import PocketBase
from pocketbase_core.blocking import portal as portals
from pocketbase_transports import MockTransport

THREADS = ("pocketbase-portal", "pocketbase-callbacks", "pocketbase-callback")


def respond(request: Request) -> Response:
    return Response(
        200, json={"url": request.url.removeprefix("http://h"), "title": request.body and request.body["title"]}
    )


def client(handler: Callable[[Request], Response | Awaitable[Response]] = respond, **settings: Any) -> PocketBase:
    return PocketBase("http://h", transport=MockTransport(handler), **settings)


def own_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name in THREADS]


class Hanging:
    """A server that does not respond until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def __call__(self, request: Request) -> Response:
        if request.url.endswith("/fast"):
            return Response(200, json="fast")
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError


@contextmanager
def interrupt_when(event: threading.Event, signals: int = 1) -> Generator[None, None, None]:
    """Press Ctrl-C in the main thread once the event is set."""
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        event.wait(10)
        for _ in range(signals):
            signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_a_call_returns_its_value_and_raises_its_error() -> None:
    with client() as pb:
        assert pb.send("/x") == {"url": "/x", "title": None}
        assert pb.collection("posts").create({"title": "a"})["title"] == "a"
    with client(lambda _: Response(404, json={"message": "Gone."})) as pb, pytest.raises(PocketBaseNotFoundError):
        pb.collection("posts").get_one("abc")


def test_the_arguments_are_checked_before_the_portal_starts() -> None:
    posts: Any = client().collection("posts")
    with pytest.raises(ValueError, match=r"\.\."):
        posts.get_one("..")
    with pytest.raises(TypeError, match="nonsense"):
        posts.get_one("abc", nonsense=1)
    assert own_threads() == []


def test_the_portal_starts_with_the_first_call_and_ends_with_the_last_client() -> None:
    first, second = client(), client()
    assert own_threads() == []
    first.send("/x")
    second.send("/x")
    assert own_threads() == ["pocketbase-portal"]
    first.close()
    assert own_threads() == ["pocketbase-portal"]
    second.close()
    assert own_threads() == []


def left() -> tuple[int, int, int]:
    """Return the number of threads, of open files, and of objects that clients and their loops consist of."""
    gc.collect()
    modules = [str(type(each).__module__).partition(".")[0] for each in gc.get_objects()]
    objects = sum(name in ("pocketbase_core", "pocketbase_transports", "asyncio", "threading") for name in modules)
    return threading.active_count(), len(os.listdir("/dev/fd")), objects


def test_a_thousand_clients_leave_nothing_behind() -> None:
    def use_clients(count: int) -> None:
        for _ in range(count):
            with client() as pb:
                pb.send("/x")

    use_clients(1)
    before = left()
    use_clients(1000)
    assert left() <= before


def test_many_threads_use_one_client_at_once() -> None:
    wrong: list[object] = []
    with client() as pb:

        def work(number: int) -> None:
            for index in range(50):
                path = f"/{number}/{index}"
                if pb.send(path)["url"] != path:
                    wrong.append(path)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


async def test_a_call_within_a_running_loop_names_the_other_client() -> None:
    pb = client()
    with pytest.raises(RuntimeError, match=r"use pocketbase_core\.PocketBase and `await`"):
        pb.send("/x")
    with pytest.raises(RuntimeError, match="event loop is running"), pb:
        raise AssertionError
    with pytest.raises(RuntimeError, match="event loop is running"):
        next(pb.collection("posts").iterate())
    with pytest.raises(RuntimeError, match="event loop is running"), pb.collection("posts").events():
        raise AssertionError
    with pytest.raises(RuntimeError, match="event loop is running"):
        pb.close()
    assert own_threads() == []
    await asyncio.to_thread(pb.close)


def test_a_client_that_was_closed_refuses_each_call() -> None:
    pb = client()
    posts, light = pb.collection("posts"), pb.with_auth_store(pocketbase_core.AuthStore())
    pb.send("/x")
    pb.close()
    pb.close()
    uses: list[Callable[[], object]] = [
        lambda: pb.send("/x"),
        lambda: posts.get_one("abc"),
        lambda: next(posts.iterate()),
        lambda: posts.events().__enter__(),
        lambda: posts.live().__enter__(),
        lambda: pb.stream("/x").__enter__(),
        lambda: posts.subscribe_all(print),
        lambda: pb.create_batch().send(),
        lambda: light.send("/x"),
        pb.__enter__,
    ]
    for use in uses:
        with pytest.raises(RuntimeError, match="this client was closed"):
            use()
    assert own_threads() == []


def test_closing_a_client_for_another_user_leaves_the_first_one_open() -> None:
    with client() as pb:
        with pb.with_auth_store(pocketbase_core.AuthStore()) as light:
            assert light.send("/x") == pb.send("/x")
        with pytest.raises(RuntimeError, match="this client was closed"):
            light.send("/x")
        assert pb.send("/y")["url"] == "/y"


def test_an_interrupt_cancels_the_call_at_once_and_leaves_the_client_usable() -> None:
    server = Hanging()
    with client(server, timeout=None) as pb:
        with interrupt_when(server.asked), pytest.raises(KeyboardInterrupt):
            pb.send("/slow")
        assert server.cancelled.is_set()
        assert pb.send("/fast") == "fast"


def test_an_interrupt_in_a_hook_cancels_the_call() -> None:
    server, in_hook = Hanging(), threading.Event()

    def hook(_: object) -> None:
        in_hook.set()
        while True:  # a signal may come just before a wait begins, and is seen after that
            threading.Event().wait(0.01)

    with client(server) as pb:
        pb.before_send = hook
        with interrupt_when(in_hook), pytest.raises(KeyboardInterrupt):
            pb.send("/slow")
        assert not server.asked.is_set()
        pb.before_send = lambda _: None
        assert pb.send("/fast") == "fast"


def test_an_interrupt_while_an_iterator_waits_loses_no_event() -> None:
    waiting = threading.Event()

    async def events() -> AsyncGenerator[pocketbase_core.ServerSentEvent, None]:
        yield pocketbase_core.ServerSentEvent("PB_CONNECT", '{"clientId": "c1"}')
        await asyncio.to_thread(done.wait)
        yield pocketbase_core.ServerSentEvent("a", '{"n": 1}')
        await asyncio.Event().wait()

    done = threading.Event()
    transport = MockTransport(lambda _: Response(204), events=lambda _: events())
    with PocketBase("http://h", transport=transport) as pb, pb.realtime.events("a") as stream:
        with interrupt_when(waiting), pytest.raises(KeyboardInterrupt):
            waiting.set()
            next(stream)
        with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
            stream.next(timeout=0.01)
        done.set()
        assert stream.next(timeout=10) == {"n": 1}


@contextmanager
def waiting_call(error: str) -> Generator[PocketBase, None, None]:
    """Have a thread wait for a call of a client in the block, which has to end the call with a RuntimeError."""
    server = Hanging()
    pb = client(server, timeout=None)

    def call() -> str:
        with pytest.raises(RuntimeError) as caught:
            pb.send("/slow")
        return str(caught.value)

    with ThreadPoolExecutor(1) as pool:
        raised = pool.submit(call)
        assert server.asked.wait(10)
        yield pb
        assert raised.result(10) == error


def test_a_call_ends_with_an_error_if_the_last_client_is_closed_meanwhile() -> None:
    with waiting_call("the client was closed before the call was done") as pb:
        pb.close()
    assert own_threads() == []


def test_the_context_of_the_caller_is_seen_by_hooks() -> None:
    request_id: ContextVar[str] = ContextVar("request_id", default="")
    seen: list[str] = []

    async def middleware(request: Request, call_next: Any) -> Response:
        seen.append(request_id.get())
        response: Response = await call_next(request)
        return response

    with client(middleware=[middleware]) as pb:
        request_id.set("r1")
        pb.send("/x")
    assert seen == ["r1"]


def test_a_loop_that_ends_by_itself_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    with client() as pb:
        pb.send("/x")
        (portal,) = {each for each in gc.get_objects() if isinstance(each, portals.Portal) and not each.is_gone}

        def end() -> None:
            raise SystemExit

        portal.loop.call_soon_threadsafe(end)
        vars(portal)["_thread"].join(10)
        with caplog.at_level(logging.CRITICAL):
            assert pb.send("/y")["url"] == "/y"


def test_the_error_of_a_call_keeps_no_frames_alive() -> None:
    class Marker:
        pass

    def use(pb: PocketBase) -> None:
        marker = Marker()
        with pytest.raises(PocketBaseNotFoundError):
            pb.send("/x")
        del marker

    gc.collect()
    gc.disable()
    try:
        with client(lambda _: Response(404)) as pb:
            use(pb)
            assert not any(isinstance(each, Marker) for each in gc.get_objects())
    finally:
        gc.enable()
