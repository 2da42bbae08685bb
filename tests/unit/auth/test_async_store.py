"""The auth store that is written by coroutine functions."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from pocketbase_core import AsyncAuthStore, PocketBase
from pocketbase_core.concurrency import event_loops

from ...helpers.virtual_clock import run

RECORD = {"id": "u1", "collectionName": "users", "name": 'Ünï; "x"'}


async def set_in_a_thread(event: threading.Event) -> None:
    """Wait for an event that another thread sets, without blocking the loop."""
    while not event.is_set():
        await asyncio.sleep(0.001)


async def test_an_async_store_writes_in_order_and_closing_waits_for_it() -> None:
    saved: list[str] = []

    async def save(text: str) -> None:
        await asyncio.sleep(0.001 if len(saved) == 0 else 0)
        saved.append(text)

    async def clear() -> None:
        saved.append("cleared")

    store = AsyncAuthStore(save=save, clear=clear)
    async with PocketBase("http://h", auth_store=store):
        store.save("a", RECORD)
        store.save("b")
        store.clear()
        assert saved == []
    assert [json.loads(text)["token"] for text in saved[:2]] == ["a", "b"]
    assert saved[2] == "cleared"
    again = AsyncAuthStore(save=save, initial=saved[0])
    assert (again.token, again.record) == ("a", RECORD)
    assert AsyncAuthStore(save=save, initial="broken").token == ""


async def test_a_failure_of_save_is_logged_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async def save(text: str) -> None:
        raise OSError("no disk")

    store = AsyncAuthStore(save=save)
    store.save("secret")
    with pytest.raises(OSError, match="no disk"):
        await store.aclose()
    assert store.token == "secret"
    assert "could not be saved" in caplog.text
    assert "secret" not in caplog.text


async def test_a_change_that_could_not_be_written_is_written_when_the_store_is_closed() -> None:
    storage = Storage()
    storage.failures = 1
    await storage.change("a")
    assert (storage.store.token, storage.written) == ("a", [])
    await storage.store.aclose()
    await storage.store.aclose()
    assert storage.written == ["a"], "it is written once"


async def test_a_change_that_could_not_be_written_is_replaced_by_the_next_one() -> None:
    storage = Storage()
    storage.failures = 1
    await storage.change("a")
    await storage.change("b")
    await storage.store.aclose()
    assert storage.written == ["b"]


async def test_closing_raises_the_error_of_the_last_change_each_time_it_cannot_be_written() -> None:
    storage = Storage()
    storage.failures = 3
    await storage.change("a")
    for remaining in (1, 0):
        with pytest.raises(OSError, match="no disk"):
            await storage.store.aclose()
        assert storage.failures == remaining, "one attempt each"
    await storage.store.aclose()
    assert storage.written == ["a"]


async def test_an_older_change_that_could_not_be_written_is_no_error() -> None:
    storage, go_on = Storage(), asyncio.Event()
    storage.failures, storage.let_through = 1, go_on.wait
    await storage.change("a")
    await storage.change("b")
    go_on.set()
    await storage.store.aclose()
    assert storage.written == ["b"]


class Storage:
    """Where an `AsyncAuthStore` writes. A save waits until it is let through."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.reached = threading.Event()
        self.let_through: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.failures = 0
        """How many saves fail from now on."""
        self.store = AsyncAuthStore(save=self.save)

    async def save(self, text: str) -> None:
        self.reached.set()
        await self.let_through()
        if self.failures:
            self.failures -= 1
            raise OSError("no disk")
        self.written.append(text and json.loads(text)["token"])

    async def wait_for_ever(self) -> None:
        await asyncio.Event().wait()

    async def change(self, text: str) -> None:
        """Change the store and let the write begin. It ends if the save is not held up."""
        self.store.save(text)
        for _ in range(3):
            await asyncio.sleep(0)


def test_a_change_without_a_loop_is_written_when_the_store_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    storage = Storage()
    storage.store.save("a")
    storage.store.clear()
    assert (storage.store.token, storage.written) == ("", [])
    assert "without a running event loop" in caplog.text
    asyncio.run(storage.store.aclose())
    asyncio.run(storage.store.aclose())
    assert storage.written == [""]


def test_a_change_without_a_loop_is_written_by_the_next_one() -> None:
    storage = Storage()
    storage.store.save("a")

    async def sign_out() -> None:
        await storage.change("b")
        await storage.store.aclose()

    asyncio.run(sign_out())
    assert storage.written == ["b"]


async def test_a_change_by_a_thread_without_a_loop_is_written_when_the_store_is_closed() -> None:
    storage, go_on = Storage(), asyncio.Event()
    storage.let_through = go_on.wait
    await storage.change("a")
    await asyncio.to_thread(storage.store.save, "b")
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    await storage.store.aclose()
    assert storage.written == ["a", "b"]


def test_a_change_whose_loop_ended_before_the_write_is_written_on_the_next_loop() -> None:
    storage = Storage()
    storage.let_through = storage.wait_for_ever
    asyncio.run(storage.change("a"))
    storage.let_through = lambda: asyncio.sleep(0)
    asyncio.run(storage.store.aclose())
    assert storage.written == ["a"]


def test_changes_on_two_loops_are_written_in_their_order() -> None:
    storage, go_on = Storage(), threading.Event()

    async def first() -> None:
        await storage.change("first")
        await storage.store.aclose()

    storage.let_through = partial(set_in_a_thread, go_on)
    thread = threading.Thread(target=asyncio.run, args=[first()])
    thread.start()
    storage.reached.wait(5)

    async def second() -> None:
        await storage.change("second")
        await asyncio.sleep(0.02)
        assert storage.written == [], "the second write waits for the first"
        go_on.set()
        await storage.store.aclose()
        assert storage.written == ["first", "second"]

    asyncio.run(second())
    thread.join()


def test_a_stopped_loop_does_not_block_a_later_write_nor_undo_it() -> None:
    storage, still, go_on = Storage(), asyncio.new_event_loop(), asyncio.Event()
    storage.let_through = go_on.wait
    still.run_until_complete(storage.change("older"))
    storage.let_through = lambda: asyncio.sleep(0)
    still.run_until_complete(storage.change("skipped"))

    async def sign_in() -> None:
        await storage.change("newer")
        await storage.store.aclose()

    asyncio.run(sign_in())
    assert storage.written == ["newer"]
    still.call_soon(go_on.set)
    still.run_until_complete(storage.store.aclose())
    still.close()
    assert storage.written == ["newer", "older", "newer"], "the older write did not repeat the newest text"


def test_a_change_on_a_stopped_loop_is_written_when_the_store_is_closed() -> None:
    storage, still, go_on = Storage(), asyncio.new_event_loop(), asyncio.Event()
    storage.let_through = go_on.wait
    still.run_until_complete(storage.change("a"))
    storage.let_through = lambda: asyncio.sleep(0)
    asyncio.run(storage.store.aclose())
    assert storage.written == ["a"]
    still.call_soon(go_on.set)
    still.run_until_complete(storage.store.aclose())
    still.close()


def test_closing_the_store_does_not_wait_for_another_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, ended = Storage(), threading.Event()

    storage.let_through = partial(set_in_a_thread, ended)

    async def first() -> None:
        await storage.change("first")
        await storage.store.aclose()

    thread = threading.Thread(target=asyncio.run, args=[first()])
    thread.start()
    storage.reached.wait(5)
    asyncio.run(storage.store.aclose())
    assert storage.written == [], "closing waited for the other loop"
    monkeypatch.setattr(event_loops, "CLOSE_TIMEOUT", 0.01)
    storage.let_through = lambda: asyncio.sleep(0)

    async def second() -> None:
        await storage.change("second")
        await storage.store.aclose()

    asyncio.run(second())
    assert storage.written == ["second"], "the write waits for a slow loop only for a limited time"
    ended.set()
    thread.join()
    assert storage.written == ["second", "first", "second"], "the first write did not repeat the newest text"


def test_closing_raises_no_error_of_a_change_while_another_loop_writes_the_next_one() -> None:
    storage, ended = Storage(), threading.Event()
    storage.failures = 1
    asyncio.run(storage.change("a"))
    storage.reached.clear()
    storage.let_through = partial(set_in_a_thread, ended)

    async def next_change() -> None:
        await storage.change("b")
        await storage.store.aclose()

    thread = threading.Thread(target=asyncio.run, args=[next_change()])
    thread.start()
    storage.reached.wait(5)
    asyncio.run(storage.store.aclose())
    ended.set()
    thread.join()
    assert storage.written == ["b"]


def test_a_forked_child_does_not_wait_for_a_write_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, ended = Storage(), threading.Event()

    async def in_the_parent() -> None:
        await storage.change("parent")
        await set_in_a_thread(ended)

    async def in_the_child() -> float:
        await storage.store.aclose()
        assert storage.written == [], "the parent writes it"
        await storage.change("child")
        await storage.store.aclose()
        return asyncio.get_running_loop().time()

    storage.let_through = partial(set_in_a_thread, ended)
    thread = threading.Thread(target=asyncio.run, args=[in_the_parent()])
    thread.start()
    storage.reached.wait(5)
    storage.let_through = lambda: asyncio.sleep(0)
    with monkeypatch.context() as forked:
        forked.setattr("os.getpid", lambda: -1)
        assert run(in_the_child()) == 0, "it waited"
    assert storage.written == ["child"]
    ended.set()
    thread.join()


async def awaited() -> str:
    return "{}"


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ({"token": "t"}, "pass the text that `save` was called with"),
        (3, "must be text, not int"),
        (None, "await it first"),
    ],
)
def test_an_initial_that_is_not_text_is_a_type_error_with_a_hint(initial: Any, words: str) -> None:
    given: Any = awaited() if initial is None else initial
    with pytest.raises(TypeError, match=words):
        AsyncAuthStore(save=Storage().save, initial=given)


async def test_an_initial_may_be_text_or_bytes_but_not_a_future() -> None:
    future: Any = asyncio.get_running_loop().create_future()
    with pytest.raises(TypeError, match="await it first"):
        AsyncAuthStore(save=Storage().save, initial=future)
    for initial in ('{"token": "t"}', b'{"token": "t"}'):
        assert AsyncAuthStore(save=Storage().save, initial=initial).token == "t"
