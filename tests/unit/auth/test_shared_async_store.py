"""An `AsyncAuthStore` whose storage is shared with other processes."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, FileAuthStore
from pocketbase_core.auth.store import exclusive, is_shared, needs_loading, reload, replace_refreshed

from ...helpers.virtual_clock import pass_time, run

RECORD = {"id": "u1", "collectionName": "users", "tags": ["a"]}


def text_of(token: str, record: Any = RECORD) -> str:
    return json.dumps({"token": token, "record": record}, separators=(",", ":"))


async def nothing() -> None:
    """Take no time."""


class Shared:
    """A storage and a lock that processes share. Each store of `store()` stands for a process."""

    def __init__(self, text: str = "") -> None:
        self.text: Any = text
        self.log: list[str] = []
        self.before_load: Callable[[], Awaitable[object]] = nothing
        self.before_save: Callable[[], Awaitable[object]] = nothing
        self.holders = 0

    def store(self, *, has_lock: bool = True, **more: Any) -> AsyncAuthStore:
        return AsyncAuthStore(self.save, load=self.load, lock=self.lock if has_lock else None, **more)

    def token(self) -> str:
        return str(json.loads(self.text)["token"]) if self.text else ""

    async def save(self, text: str) -> None:
        await self.before_save()
        self.text = text
        self.log.append(f"saved {self.token()}")

    async def load(self) -> Any:
        await self.before_load()
        self.log.append(f"loaded {self.token()}")
        return self.text

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None, None]:
        while self.holders:
            await pass_time(0.1)
        self.holders += 1
        self.log.append("locked")
        try:
            yield
        finally:
            self.log.append("released")
            self.holders -= 1


def notified_by(store: AuthStore) -> list[str]:
    tokens: list[str] = []
    store.on_change(lambda token, record: tokens.append(token))
    return tokens


async def fail() -> None:
    raise OSError("no\x1b network")


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_store_needs_loading_until_it_is_loaded_or_changed() -> None:
    shared = Shared(text_of("theirs"))
    loaded, changed = shared.store(), shared.store()
    assert needs_loading(loaded)
    assert not needs_loading(shared.store(initial=""))
    assert not needs_loading(AsyncAuthStore(shared.save))
    tokens = notified_by(loaded)
    await reload(loaded)
    assert (loaded.token, loaded.record, tokens) == ("theirs", RECORD, ["theirs"])
    changed.save("mine")
    assert not needs_loading(loaded)
    assert not needs_loading(changed)
    shared.text = None
    guest = shared.store()
    await reload(guest)
    assert not needs_loading(guest)
    assert guest.token == ""


async def test_a_store_that_could_not_be_loaded_still_needs_loading() -> None:
    shared = Shared(text_of("theirs"))
    shared.before_load = fail
    store = shared.store()
    with pytest.raises(OSError, match="network"):
        await reload(store)
    assert needs_loading(store)


def test_only_stores_that_others_may_write_are_shared(tmp_path: Any) -> None:
    class Own(AuthStore):
        def __init__(self) -> None:
            """Call nothing."""

    stores = (Own(), AuthStore(), AsyncAuthStore(Shared().save), Shared().store(), FileAuthStore(tmp_path / "a"))
    assert [is_shared(store) for store in stores] == [False, False, False, True, True]
    assert [needs_loading(store) for store in stores] == [False, False, False, True, False]


@pytest.mark.parametrize("store", [AuthStore(), AsyncAuthStore(Shared().save, initial=text_of("mine"))])
async def test_a_store_that_nobody_shares_has_nothing_to_lock_or_reload(store: AuthStore) -> None:
    before, tokens = (store.token, store.record), notified_by(store)
    await reload(store)
    async with exclusive(store):
        assert (store.token, store.record) == before
    assert tokens == []


@pytest.mark.parametrize("change", ["theirs", ""])
async def test_a_change_of_another_process_is_taken_over_and_not_written(change: str) -> None:
    shared = Shared(text_of("before"))
    store = shared.store(initial=shared.text)
    tokens = notified_by(store)
    shared.text = text_of(change).encode() if change else None
    await reload(store)
    await reload(store)
    await store.aclose()
    assert (store.token, store.record, tokens) == (change, RECORD if change else None, [change])
    assert shared.log == [f"loaded {change}"] * 2


async def test_the_same_content_in_another_form_is_not_a_change() -> None:
    shared = Shared(text_of("a"))
    store = shared.store(initial=shared.text)
    tokens = notified_by(store)
    shared.text = '{"record": {"tags": ["a"], "collectionName": "users", "id": "u1"},  "token": "a"}'
    await reload(store)
    assert tokens == []


async def test_a_change_without_a_loop_is_written_before_the_store_is_loaded() -> None:
    shared = Shared(text_of("before"))
    store = shared.store(initial=shared.text)
    await asyncio.to_thread(store.save, "mine")
    await reload(store)
    assert store.token == "mine"
    assert shared.log == ["saved mine", "loaded mine"]


async def test_a_change_while_the_store_is_loaded_wins() -> None:
    shared = Shared(text_of("theirs"))
    store = shared.store()

    async def sign_in() -> None:
        shared.before_load = nothing
        store.save("mine")

    shared.before_load = sign_in
    await reload(store)
    assert store.token == "mine"
    eager = ["saved mine", "loaded mine"]  # an eager task saves before the first load returns
    assert shared.log in (["loaded theirs", *eager], [*eager, "loaded mine"])


async def test_a_change_that_could_not_be_written_survives_a_load() -> None:
    shared = Shared(text_of("before"))
    store = shared.store(initial=shared.text)
    store.save("written")
    await store.aclose()
    shared.before_save = fail
    store.save("mine")
    await reload(store)
    assert (store.token, shared.token()) == ("mine", "written")
    shared.before_save = nothing
    await store.aclose()
    assert shared.token() == "mine"


async def test_a_change_of_another_process_replaces_one_that_could_not_be_written() -> None:
    shared = Shared(text_of("before"))
    store = shared.store(initial=shared.text)
    shared.before_save = fail
    store.save("mine")
    await asyncio.sleep(0.001)
    shared.text = text_of("theirs")
    await reload(store)
    shared.before_save = nothing
    await store.aclose()
    assert (store.token, shared.token()) == ("theirs", "theirs")


async def test_a_save_that_fails_after_it_has_saved_is_not_a_change_of_another_process() -> None:
    shared = Shared(text_of("before"))

    async def save(text: str) -> None:
        shared.text = text
        raise OSError("no answer")

    store = AsyncAuthStore(save, load=shared.load, initial=shared.text)
    tokens = notified_by(store)
    store.save("mine")
    await reload(store)
    assert tokens == ["mine"]
    await store.aclose()


def test_a_write_of_another_loop_is_not_taken_for_a_change_of_another_process() -> None:
    shared, reached, go_on = Shared(text_of("before")), threading.Event(), threading.Event()
    store = shared.store(initial=shared.text)

    async def hold_up() -> None:
        reached.set()
        while not go_on.is_set():
            await asyncio.sleep(0.001)

    async def change() -> None:
        store.save("mine")
        await store.aclose()

    shared.before_save = hold_up
    thread = threading.Thread(target=asyncio.run, args=[change()])
    thread.start()
    reached.wait(5)
    shared.text = text_of("theirs")
    asyncio.run(reload(store))
    assert store.token == "mine"
    go_on.set()
    thread.join()
    assert shared.token() == "mine", "the last change wins"


def test_a_load_that_takes_too_long_is_a_timeout_error() -> None:
    shared = Shared()
    shared.before_load = wait_for_ever
    with pytest.raises(TimeoutError):
        run(reload(shared.store()))


@pytest.mark.parametrize("result", [{"token": "t"}, nothing])
async def test_a_load_that_returns_something_else_is_a_type_error(result: Any) -> None:
    class WithoutToken(Shared):
        def token(self) -> str:
            return ""

    shared = WithoutToken()
    shared.text = result() if callable(result) else result
    hint = "await it first" if callable(result) else "return the text"
    with pytest.raises(TypeError, match=f"the result of load must be text, not .*; {hint}"):
        await reload(shared.store())


async def refresh(store: AuthStore, token: str) -> bool:
    """Refresh the token as a client does: only if no other process has done so. Return whether it was necessary."""
    old = store.token
    async with exclusive(store):
        if store.token != old:
            return False
        await pass_time(1)
        replace_refreshed(store, old, token, RECORD)
        return True


def test_of_many_processes_one_refreshes_and_the_others_take_its_token() -> None:
    shared = Shared(text_of("old"))
    stores = [shared.store(initial=shared.text) for _ in range(5)]

    async def main() -> list[bool]:
        return await asyncio.gather(*(refresh(store, f"new {number}") for number, store in enumerate(stores)))

    assert sorted(run(main())) == [False] * 4 + [True]
    assert len({store.token for store in stores}) == 1
    assert shared.token() == stores[0].token != "old"
    assert [each for each in shared.log if each.startswith("saved")] == [f"saved {shared.token()}"]


async def test_changes_are_written_before_the_lock_is_released() -> None:
    shared = Shared(text_of("old"))
    store = shared.store(initial=shared.text)
    async with exclusive(store):
        store.save("new")
    assert shared.log == ["locked", "loaded old", "saved new", "released"]


@pytest.mark.parametrize("has_lock", [False, True])
def test_the_lock_does_not_wait_for_ever_for_a_write(has_lock: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> float:
        shared = Shared(text_of("old"))
        store = shared.store(initial=shared.text, has_lock=has_lock)
        shared.before_save = wait_for_ever
        async with exclusive(store):
            store.save("new")
        assert shared.holders == 0
        return asyncio.get_running_loop().time()

    assert run(main()) == (10 if has_lock else 0), "without a lock, nothing is waited for"
    assert ("was not written within 10 s" in caplog.text) is has_lock


def test_without_load_the_lock_still_admits_one_at_a_time() -> None:
    shared = Shared()
    stores = [AsyncAuthStore(shared.save, initial=text_of("old"), lock=shared.lock) for _ in range(2)]

    async def main() -> float:
        await asyncio.gather(*(refresh(store, "new") for store in stores))
        return asyncio.get_running_loop().time()

    assert run(main()) >= 2


def test_a_lock_that_is_not_obtained_in_time_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    shared = Shared(text_of("old"))
    shared.holders = 1
    store = shared.store(initial=shared.text)

    async def main() -> float:
        assert await refresh(store, "new")
        assert len(asyncio.all_tasks()) == 1, "something still waits for the lock"
        return asyncio.get_running_loop().time()

    assert round(run(main()), 3) == 11
    assert shared.token() == "new"
    assert shared.log[0] == "loaded old"
    assert caplog.text.count("was not obtained within 10 s; going on without it") == 1


def raise_at_once() -> None:
    raise ValueError


class BrokenLock:
    def __init__(self, *, enters: bool) -> None:
        self.enters = enters

    async def __aenter__(self) -> None:
        if not self.enters:
            await fail()

    async def __aexit__(self, *_: object) -> None:
        await fail()


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (lambda: BrokenLock(enters=False), "the lock of the auth store was not obtained: OSError: 'no\\x1b network'"),
        (lambda: BrokenLock(enters=True), "the lock of the auth store was not released: OSError: 'no\\x1b network'"),
        (lambda: None, "the lock of the auth store was not obtained: TypeError"),
        (raise_at_once, "the lock of the auth store was not obtained: ValueError"),
    ],
)
async def test_a_lock_that_fails_is_logged_and_done_without(
    lock: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = AsyncAuthStore(Shared().save, initial=text_of("old"), lock=lock)
    async with exclusive(store):
        store.save("new")
    await store.aclose()
    assert [each.getMessage()[: len(words)] for each in caplog.records] == [words]
    assert caplog.records[0].exc_info is None


def test_a_load_that_fails_is_logged_and_memory_is_used(caplog: pytest.LogCaptureFixture) -> None:
    shared = Shared(text_of("theirs"))
    shared.before_load = fail
    store = shared.store(initial=text_of("mine"))
    assert run(refresh(store, "new"))
    assert store.token == shared.token() == "new"
    messages = [each.getMessage() for each in caplog.records if each.name == "pocketbase_core"]
    assert messages == ["the auth store could not be loaded: OSError: 'no\\x1b network'"] * 2
    assert all(each.exc_info is None for each in caplog.records)


def test_a_lock_that_is_never_released_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def lock() -> AsyncGenerator[None, None]:
        yield
        await wait_for_ever()

    async def main() -> float:
        async with exclusive(AsyncAuthStore(Shared().save, lock=lock)):
            pass
        assert len(asyncio.all_tasks()) == 1
        return asyncio.get_running_loop().time()

    assert run(main()) == 10
    assert "was not released within 10 s" in caplog.text


def test_a_lock_that_is_given_up_may_take_time_to_clean_up() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lock() -> AsyncGenerator[None, None]:
        try:
            await wait_for_ever()
        except asyncio.CancelledError:
            await pass_time(1)
            steps.append("cleaned up")
            raise
        yield

    async def main() -> None:
        async with exclusive(AsyncAuthStore(Shared().save, lock=lock)):
            await asyncio.sleep(0)

    run(main())
    assert steps == ["cleaned up"]


def test_a_lock_that_was_released_is_not_given_up_later(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with exclusive(Shared().store()):
            await pass_time(20)
        await pass_time(20)

    run(main())
    assert [each for each in caplog.records if each.name == "pocketbase_core"] == []


@pytest.mark.parametrize("at", ["lock", "load", "body", "save", "release"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_refresh_releases_the_lock(at: str, times: int) -> None:
    shared, released = Shared(text_of("old")), asyncio.Event()
    store = shared.store(initial=shared.text)

    async def take_long() -> None:
        await pass_time(5)

    @asynccontextmanager
    async def slow_lock() -> AsyncGenerator[None, None]:
        await pass_time(5 if at == "lock" else 0)
        async with shared.lock():
            try:
                yield
            finally:
                await pass_time(5 if at == "release" else 0)
        released.set()

    async def main() -> None:
        store._lock = slow_lock  # pyright: ignore[reportPrivateUsage]
        if at == "load":
            shared.before_load = take_long
        if at == "save":
            shared.before_save = take_long

        async def work() -> None:
            async with exclusive(store):
                if at == "body":
                    await take_long()
                store.save("new")

        task = asyncio.create_task(work())
        await pass_time(1)
        for _ in range(times):
            task.cancel()
            await pass_time(0.01)
        await asyncio.wait([task])
        assert task.cancelled()
        if at == "lock":
            assert asyncio.get_running_loop().time() < 2, "it waited for the lock"
        else:
            await released.wait()
        assert shared.holders == 0
        await store.aclose()
        assert len(asyncio.all_tasks()) == 1, "a task is left"

    run(main())


async def test_the_lock_is_entered_and_left_by_one_task() -> None:
    tasks: list[Any] = []

    @asynccontextmanager
    async def lock() -> AsyncGenerator[None, None]:
        tasks.append(asyncio.current_task())
        yield
        tasks.append(asyncio.current_task())

    with pytest.raises(ValueError, match="body"):
        async with exclusive(AsyncAuthStore(Shared().save, lock=lock)):
            raise ValueError("body")
    assert tasks[0] is tasks[1] is not None


@pytest.mark.parametrize("theirs", ["theirs", ""])
async def test_a_sign_in_or_a_sign_out_elsewhere_is_not_undone_by_a_refresh(theirs: str) -> None:
    shared = Shared(text_of("old"))
    store = shared.store(initial=shared.text)
    tokens = notified_by(store)
    async with exclusive(store):
        shared.text = text_of(theirs) if theirs else ""
        replace_refreshed(store, "old", "refreshed", RECORD)
    assert (store.token, shared.token(), tokens) == (theirs, theirs, ["refreshed", theirs])
    await store.aclose()
    assert "saved refreshed" not in shared.log


async def test_a_refresh_is_written_if_the_storage_has_not_changed() -> None:
    shared = Shared(text_of("old"))
    store = shared.store(initial=shared.text)
    replace_refreshed(store, "old", "refreshed", RECORD)
    store.save("mine")
    await store.aclose()
    assert shared.log == ["loaded old", "saved refreshed", "saved mine"]
    replace_refreshed(store, "old", "again", RECORD)
    assert store.token == "mine"


async def test_a_sign_in_during_a_refresh_wins_over_another_process() -> None:
    shared = Shared(text_of("old"))
    store = shared.store(initial=shared.text)
    shared.text = text_of("theirs")
    replace_refreshed(store, "old", "refreshed", RECORD)
    store.save("mine")
    await store.aclose()
    assert (store.token, shared.token()) == ("mine", "mine")


def test_a_refresh_is_written_if_the_storage_does_not_answer() -> None:
    shared = Shared(text_of("old"))
    store = shared.store(initial=shared.text)
    shared.before_load = wait_for_ever

    async def main() -> float:
        replace_refreshed(store, "old", "refreshed", RECORD)
        await store.aclose()
        return asyncio.get_running_loop().time()

    assert run(main()) == 10
    assert shared.token() == "refreshed"


async def a_coroutine() -> str:
    return ""


async def generate() -> AsyncGenerator[None, None]:
    yield


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("clear", "x", "clear must be a function, not str"),
        ("load", "coroutine", "load must be a function, not coroutine; pass the function itself, without calling it"),
        ("lock", BrokenLock(enters=True), "not BrokenLock; pass a function that returns it"),
        ("lock", generate, "lock must return an async context manager; decorate it"),
    ],
)
def test_what_is_not_a_function_is_a_type_error_with_a_hint(name: str, value: Any, words: str) -> None:
    arguments: dict[str, Any] = {"save": Shared().save, name: a_coroutine() if value == "coroutine" else value}
    with pytest.raises(TypeError, match=words):
        AsyncAuthStore(**arguments)
