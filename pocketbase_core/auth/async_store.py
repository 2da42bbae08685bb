"""The auth store that is written by coroutine functions.

Theory of operation:

`AsyncAuthStore` changes the memory first, so that a sign-out takes effect even if it cannot be written. It cannot write
during the change, because its functions are coroutine functions. It numbers the changes, and starts a task for each of
them on the loop of the change. A task waits for the task before it, so that changes are written in their order. These
cases are special:

- A change without a running event loop starts no task. The next change, load or `aclose` writes it.
- The loop of the task before may have stopped, and a task does not wait for a loop that does not run. So an older write
  may end after a newer one when its loop runs again. It then writes the newest text once more.
- A change whose write failed is in memory only. The next change replaces it, and `aclose` writes it once more.
- `aclose` starts the write of the last change again, unless a running loop is writing it. It waits only for the tasks
  of its own loop.

With `load`, processes share the storage. The store remembers what the storage held when it last read or wrote it. Other
content was written by another process, and is taken over as a change that needs no write. What is compared is the
content, because a database may return JSON in another form. A load begins after the writes of its loop have ended, and
is repeated if the store changes meanwhile.

A refreshed token is written only if the storage still holds what it held before: otherwise another process has signed
in or out, and that wins. Between this check and the write, there is a moment in which the check is wrong, as the
storage has no operation that does both.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, NamedTuple

from ..concurrency.event_loops import OwnerLoop
from .async_functions import Load, Lock, as_text, check_functions
from .held_lock import hold
from .serialization import copy_record, dump_stored, parse_sign_in, parse_stored
from .store import AuthStore

_logger = logging.getLogger("pocketbase_core")
_NAME = "the auth store"


class AsyncAuthStore(AuthStore):
    """A store whose token and record are written by coroutine functions.

    `save` and `clear` are called one after the other, in the order of the changes, each on the event loop that the
    change was made on. `await store.aclose()` waits for them, and closing the client calls that. What they raise is
    logged, and the change stays in memory. It is written with the next change, or by `aclose()`, as is a change without
    a running event loop. If `aclose()` cannot write the last change either, it raises the error.

    With `load`, processes may share the storage: the store takes over what another process has written before a token
    is refreshed, and before the first call if there is no `initial`. With `lock`, only one of the processes refreshes
    the token, and the others take it over.

    Args:
        save: Saves a text. It gets an empty text for a sign-out if there is no `clear`.
        clear: Removes the saved text.
        initial: The text that was saved last.
        load: Returns the text that was saved last; None or an empty text if there is none.
        lock: Returns an async context manager that holds a lock which all processes share, such as
            `lambda: redis.lock("pocketbase", timeout=30)`. The lock must end by itself if its process ends. If it is
            not obtained within 10 seconds, the token is refreshed without it.
    """

    def __init__(
        self,
        save: Callable[[str], Awaitable[object]],
        clear: Callable[[], Awaitable[object]] | None = None,
        initial: str | bytes | None = None,
        *,
        load: Load | None = None,
        lock: Lock | None = None,
    ) -> None:
        super().__init__()
        check_functions(save, clear, load, lock)
        self._save = save
        self._clear = clear
        self._load = load
        self._lock = lock
        self._is_shared = load is not None
        self._needs_loading = load is not None and initial is None
        self._mutex = threading.RLock()
        text = as_text("initial", initial, "pass")
        self._token, self._record = parse_stored(text, _NAME)
        self._known_sign_in = self._token, parse_sign_in(text) or self._sign_in_of(self._token)
        self._latest = _Change(0, text)
        """The last change."""
        self._shared_text = text
        """The text that the storage held when this process last read or wrote it."""
        self._started = 0
        """The number of the last change for which a task was started."""
        self._latest_write: _Write | None = None
        """The task that was started last."""
        self._finished = 0
        """The number of the last change that was written, or could not be."""
        self._written = 0
        """The number of the last change that was written."""
        self._error: Exception | None = None
        """Why the last change could not be written."""
        self._writes: set[_Write] = set()
        """The tasks that have not ended."""

    async def aclose(self) -> None:
        """Wait until all changes of this event loop are written, and write a change that no loop has written yet.

        Raises:
            Exception: What `save` or `clear` raised for the last change. The error is logged too.
        """
        await self._flush()
        with self._mutex:
            if self._written < self._latest.number and not self._is_being_written():
                self._start_write(OwnerLoop())
        await self._flush()
        if self._error is not None:
            raise self._error

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        self._change(token, record)

    def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        if self._load is None:
            super()._replace(old, token, record)
        elif self.token == old:
            self._change(token, copy_record(record), is_refresh=True)

    def _change(self, token: str, record: dict[str, Any] | None, *, is_refresh: bool = False) -> None:
        text = dump_stored(token, record, sign_in=self._sign_in_of(token)) if token else ""
        with self._mutex:
            self._latest = _Change(self._latest.number + 1, text, is_refresh)
            self._error = None
            self._needs_loading = False
            try:
                self._start_write(OwnerLoop())
            except RuntimeError:
                _logger.warning("the auth store was changed without a running event loop; the change is written later")
        super()._set(token, record)

    @asynccontextmanager
    async def _hold_exclusively(self) -> AsyncGenerator[None, None]:
        async with hold(self._lock, self._lock_timeout) if self._lock else nullcontext():
            try:
                await self._reload_shared_async()
            except Exception as error:
                _log_failed_load(error)
            try:
                yield
            finally:
                if self._lock:
                    await self._flush_in_time()

    async def _reload_shared_async(self) -> None:
        if self._load is None:
            return
        async with asyncio.timeout(self._lock_timeout):
            while True:
                await self._flush()
                number = self._latest.number
                text = as_text("the result of load", await self._load(), "return")
                if number == self._latest.number:
                    break
        if not self._is_being_written():  # by another loop
            self._take_over(text, number)

    def _take_over(self, text: str, number: int) -> bool:
        """Take over a text that another process has written, unless there was a change after the one with this number.

        Returns:
            Whether another process has written the text.
        """
        stored = parse_stored(text, _NAME)
        with self._mutex:
            if number != self._latest.number:
                return False
            self._needs_loading = False
            if stored == parse_stored(self._shared_text, _NAME):
                return False
            is_own = stored == parse_stored(self._latest.text, _NAME)  # `save` raised an error after it had saved
            sign_in = parse_sign_in(text) or self._sign_in_of(stored[0])
            self._shared_text = dump_stored(*stored, sign_in=sign_in) if stored[0] else ""
            self._latest = _Change(number + 1, self._shared_text)
            self._started = self._finished = self._written = number + 1
            self._error = None
        if not is_own:
            self._known_sign_in = stored[0], sign_in
            super()._set(*stored)
        return True

    async def _flush(self) -> None:
        """Write a change that no loop has begun to write, and wait for the tasks of this loop."""
        with self._mutex:
            if self._finished < self._latest.number and not self._is_being_written():
                self._start_write(OwnerLoop())
        while own := [write.task for write in tuple(self._writes) if write.owner.is_current]:
            await asyncio.wait(own)

    async def _flush_in_time(self) -> None:
        try:
            async with asyncio.timeout(self._lock_timeout):
                await self._flush()
        except TimeoutError:
            _logger.warning(
                "the auth store was not written within %g s; its lock is released before that", self._lock_timeout
            )

    def _is_being_written(self) -> bool:
        """Return whether a running loop writes the last change. In a forked child, the loop of the parent counts."""
        latest = self._latest_write
        if latest is None or self._started != self._latest.number:
            return False
        return not latest.task.done() and latest.owner.loop.is_running()

    def _start_write(self, owner: OwnerLoop) -> None:
        """Start a task on the running loop that writes the last change."""
        self._started = self._latest.number
        work = self._write(self._latest, self._latest_write)
        write = self._latest_write = _Write(owner, owner.loop.create_task(work, name="auth store"))
        self._writes.add(write)
        write.task.add_done_callback(lambda _: self._writes.discard(write))

    async def _write(self, change: "_Change", previous: "_Write | None") -> None:
        if previous is not None and not previous.task.done():
            await previous.owner.run(previous.wait)
        if change.is_refresh:
            await asyncio.sleep(0)  # an eager task starts before the memory has changed
        if change.number < self._finished or (change.is_refresh and await self._is_outdated(change)):
            return
        await self._save_or_clear(change)
        while (
            change.number < self._finished
        ):  # another loop did not wait for this write, which overwrote a later change
            change = self._latest
            await self._save_or_clear(change)
        self._finished = change.number

    async def _is_outdated(self, change: "_Change") -> bool:
        """Return whether another process has signed in or out while the token was refreshed. Take that over."""
        assert self._load is not None
        try:
            async with asyncio.timeout(self._lock_timeout):
                text = as_text("the result of load", await self._load(), "return")
        except Exception as error:
            _log_failed_load(error)
            return False
        return self._take_over(text, change.number)

    async def _save_or_clear(self, change: "_Change") -> None:
        try:
            if change.text or self._clear is None:
                await self._save(change.text)
            else:
                await self._clear()
        except Exception as error:
            _logger.exception("the auth store could not be saved")
            self._error = error
        else:
            self._written, self._shared_text, self._error = change.number, change.text, None


class _Change(NamedTuple):
    """A change of the store."""

    number: int
    """The number of changes so far."""
    text: str
    is_refresh: bool = False
    """True if the change may only replace the token that the store held before."""


class _Write(NamedTuple):
    """The task that writes a change, and the event loop that it runs on."""

    owner: OwnerLoop
    task: asyncio.Task[None]

    async def wait(self) -> None:
        """Wait until the task ends. Called on the task's own loop."""
        await asyncio.wait([self.task])


def _log_failed_load(error: Exception) -> None:
    _logger.warning("the auth store could not be loaded: %s: %.200r", type(error).__name__, str(error))
