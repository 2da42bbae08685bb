"""Work on the event loop that owns a task or a session."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from pocketbase_core import FileUpload, PocketBase
from pocketbase_core.concurrency.background_tasks import BackgroundTasks
from pocketbase_core.concurrency.event_loops import OwnerLoop
from pocketbase_core.ports import Transport
from pocketbase_transports import _sessions
from pocketbase_transports._sessions import SessionPerLoop
from pocketbase_transports.aiohttp.sockets import take_transports

from ...helpers.tokens import token as make_token
from ...helpers.transports import MAKERS


async def owner() -> OwnerLoop:
    return OwnerLoop()


@pytest.mark.filterwarnings("ignore:coroutine 'HttpxTransport._receive' was never awaited")
@pytest.mark.parametrize("token", ["", make_token(9999)])
@pytest.mark.parametrize("make_transport", MAKERS.values(), ids=MAKERS.keys())
def test_a_call_without_an_event_loop_raises_an_error_that_names_asyncio(
    make_transport: Callable[[], Transport], token: str, tmp_path: Path
) -> None:
    """As under trio, which runs coroutines without asyncio."""
    pb = PocketBase("http://h", transport=make_transport())
    pb.auth_store.save(token)
    posts = pb.collection("posts")
    calls: list[Callable[[], Awaitable[Any]]] = [
        pb.health.check,
        posts.get_list,
        posts.get_full_list,
        posts.iterate().__anext__,
        lambda: pb.send("/a", timeout=None),
        lambda: posts.create({"file": FileUpload(("a.txt", b"a"))}),
        lambda: posts.auth.with_password("a", "b"),
        lambda: posts.auth.with_oauth2_browser("oidc"),
        lambda: posts.subscribe(print, "*"),
        lambda: posts.events().__aenter__(),
        lambda: pb.realtime.subscribe("a", print),
        lambda: pb.files.stream("posts", "r", "a.txt").__aenter__(),
        lambda: pb.files.download_to(tmp_path / "a.txt", "posts", "r", "a.txt"),
        lambda: pb.backups.restore("a.zip", wait=True),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="asyncio is required"):
            call().__await__().__next__()


async def test_an_error_on_another_loop_is_raised_for_the_caller() -> None:
    async def fail() -> None:
        raise ValueError("no")

    other_loop = asyncio.new_event_loop()
    owner_loop = await asyncio.to_thread(other_loop.run_until_complete, owner())
    thread = threading.Thread(target=other_loop.run_forever)
    thread.start()
    while not other_loop.is_running():
        await asyncio.sleep(0)
    with pytest.raises(ValueError, match="no"):
        await owner_loop.run(fail)
    other_loop.call_soon_threadsafe(other_loop.stop)
    thread.join()
    other_loop.close()


async def test_a_thread_without_a_loop_can_call_a_function_on_the_loop() -> None:
    owner_loop, called = OwnerLoop(), asyncio.Event()
    owner_loop.call(called.set)
    assert called.is_set()
    called.clear()
    await asyncio.to_thread(owner_loop.call, called.set)
    async with asyncio.timeout(5):
        await called.wait()


async def test_nothing_runs_on_a_loop_that_is_closed_or_of_the_parent_process(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("work")

    other_loop = asyncio.new_event_loop()
    closed = await asyncio.to_thread(other_loop.run_until_complete, owner())
    other_loop.close()
    await closed.run(work)
    closed.call(lambda: done.append("call"))
    of_the_parent = OwnerLoop()
    assert of_the_parent.is_current
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert not of_the_parent.is_current
    await of_the_parent.run(work)
    of_the_parent.call(lambda: done.append("call"))
    assert done == []


async def test_a_call_on_a_loop_that_was_closed_just_now_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    other_loop = asyncio.new_event_loop()
    owner_loop = await asyncio.to_thread(other_loop.run_until_complete, owner())
    monkeypatch.setattr(other_loop, "is_closed", lambda: False)
    other_loop.close()
    monkeypatch.undo()
    owner_loop.call(lambda: None)


async def test_background_tasks_end_on_their_own_loops() -> None:
    tasks, ended = BackgroundTasks(), list[str]()

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def start(name: str) -> None:
        tasks.create(work(name), name)
        await asyncio.sleep(0)

    other_loop = asyncio.new_event_loop()
    await asyncio.to_thread(other_loop.run_until_complete, start("there"))
    await start("here")
    await start("and here")
    await tasks.aclose()
    assert sorted(ended) == ["and here", "here"]
    await asyncio.to_thread(other_loop.run_until_complete, asyncio.sleep(0))
    await asyncio.to_thread(other_loop.run_until_complete, asyncio.sleep(0))
    assert sorted(ended) == ["and here", "here", "there"]
    await asyncio.to_thread(other_loop.run_until_complete, start("there, and cut off"))
    for task in asyncio.all_tasks(other_loop):
        silenced: Any = task
        silenced._log_destroy_pending = False  # asyncio would report the pending task, which is expected here
    other_loop.close()
    await tasks.aclose()
    assert vars(tasks)["_running"] == {}


async def test_a_task_starts_on_its_own_loop_if_another_thread_starts_one_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = BackgroundTasks()

    async def work() -> None:
        pass

    async def start() -> "asyncio.Task[None]":
        task = tasks.create(work(), "work")
        await task
        return task

    def start_elsewhere() -> None:
        monkeypatch.undo()
        thread = threading.Thread(target=asyncio.run, args=[start()])
        thread.start()
        thread.join()

    monkeypatch.setattr(tasks, "_forget_dead_loops", start_elsewhere)
    assert (await start()).get_loop() is asyncio.get_running_loop()


class Session:
    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


def per_loop(
    sessions: list[Session],
    open_session: Callable[[], Session] | None = None,
    close: Callable[[Session], Awaitable[None]] = Session.close,
    transports: tuple[object, ...] = (),
) -> SessionPerLoop[Session]:
    def open_one() -> Session:
        sessions.append(Session())
        return sessions[-1]

    return SessionPerLoop(open_session or open_one, close, lambda _: transports)


async def test_a_session_that_is_opened_while_the_transport_is_closed_is_closed() -> None:
    sessions: list[Session] = []

    def close_first() -> Session:
        thread = threading.Thread(target=lambda: asyncio.run(own.aclose()))
        thread.start()
        thread.join()
        sessions.append(Session())
        return sessions[-1]

    own = per_loop(sessions, open_session=close_first)
    with pytest.raises(RuntimeError, match="the transport is closed"):
        await own.open()
    assert [session.closed for session in sessions] == [1]


async def test_a_session_that_fails_to_close_does_not_keep_others_open() -> None:
    sessions: list[Session] = []

    async def close(session: Session) -> None:
        await session.close()
        if session is sessions[0]:
            raise OSError("it cannot be closed")

    own = per_loop(sessions, close=close)
    other_loop = asyncio.new_event_loop()
    thread = threading.Thread(target=other_loop.run_forever)
    thread.start()
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(own.open(), other_loop))
    await own.open()
    with pytest.raises(OSError, match="it cannot be closed"):
        await own.aclose()
    assert [session.closed for session in sessions] == [1, 1]
    await own.aclose()
    other_loop.call_soon_threadsafe(other_loop.stop)
    thread.join()
    other_loop.close()


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_forked_child_closes_only_its_own_descriptors(monkeypatch: pytest.MonkeyPatch, is_tls: bool) -> None:
    sessions: list[Session] = []
    sock = SimpleNamespace(close=lambda: sessions[0].__dict__.update(fd="closed"))
    plain = SimpleNamespace(_sock=sock)
    transport = SimpleNamespace(_ssl_protocol=SimpleNamespace(_transport=plain)) if is_tls else plain
    monkeypatch.setattr(_sessions, "_instances", set[SessionPerLoop[Any]]())
    own = per_loop(sessions, transports=(transport, object()))
    await own.open()
    monkeypatch.setattr(_sessions, "_instances", {own})
    getattr(_sessions, "_abandon_inherited")()
    assert own.get() is None
    assert (vars(sessions[0]), plain._sock) == ({"closed": 0, "fd": "closed"}, None)
    await own.open()
    await own.aclose()
    assert [session.closed for session in sessions] == [0, 1]


async def test_a_connector_of_the_user_is_not_touched() -> None:
    connector = aiohttp.TCPConnector()
    session = aiohttp.ClientSession(connector=connector, connector_owner=False)
    assert take_transports(session) == []
    assert not connector.closed
    await connector.close()
