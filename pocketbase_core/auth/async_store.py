"""The auth store that is written by coroutine functions.

Theory of operation:

`AsyncAuthStore` changes the memory first, so that a sign-out takes effect even if it cannot be written. It cannot write
during the change, because its functions are coroutine functions. It numbers the changes, and starts a task for each of
them on the loop of the change. A task waits for the task before it, so that changes are written in their order. Three
cases are special:

- A change without a running event loop starts no task. The next change, or `aclose`, writes it.
- The loop of the task before may have stopped, and a task does not wait for a loop that does not run. So an older write
  may end after a newer one when its loop runs again. It then writes the newest text once more.
- `aclose` starts the write of the last change again, unless a running loop is writing it. It waits only for the tasks
  of its own loop.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ..concurrency.event_loops import OwnerLoop
from .serialization import dump_stored, parse_stored
from .store import AuthStore

_logger = logging.getLogger("pocketbase_core")


class AsyncAuthStore(AuthStore):
    """A store whose token and record are written by two coroutine functions.

    The functions are called one after the other, in the order of the changes, each on the event loop that the change
    was made on. `await store.aclose()` waits for them, and closing the client calls that. What the functions raise is
    logged. A change without a running event loop is in memory at once, and is written with the next change or by
    `aclose()`.

    Args:
        save: Saves a text. It gets an empty text for a sign-out if there is no `clear`.
        clear: Removes the saved text.
        initial: The text that was saved last.
    """

    def __init__(
        self,
        save: Callable[[str], Awaitable[object]],
        clear: Callable[[], Awaitable[object]] | None = None,
        initial: str | bytes | None = None,
    ) -> None:
        super().__init__()
        if initial is not None and not isinstance(initial, (str, bytes)):
            if inspect.iscoroutine(initial):
                initial.close()
            hint = "await it first" if inspect.isawaitable(initial) else "pass the text that `save` was called with"
            raise TypeError(f"initial must be text, not {type(initial).__name__}; {hint}")
        self._save = save
        self._clear = clear
        self._mutex = threading.RLock()
        self._change_count = 0
        """The number of changes so far, which is also the number of the last change."""
        self._latest_text = ""
        """The text of the last change."""
        self._started = 0
        """The number of the last change for which a task was started."""
        self._latest_write: _Write | None = None
        """The task that was started last."""
        self._finished = 0
        """The number of the last change that was written, or could not be."""
        self._writes: set[_Write] = set()
        """The tasks that have not ended."""
        if initial:
            self._token, self._record = parse_stored(initial, "the auth store")

    async def aclose(self) -> None:
        """Wait until all changes of this event loop are written, and write a change that no loop has written yet."""
        with self._mutex:
            if self._finished < self._change_count and not self._is_being_written():
                self._start_write(OwnerLoop())
        while own := [write.task for write in tuple(self._writes) if write.owner.is_current]:
            await asyncio.wait(own)

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        text = dump_stored(token, record) if token else ""
        with self._mutex:
            self._change_count += 1
            self._latest_text = text
            try:
                self._start_write(OwnerLoop())
            except RuntimeError:
                _logger.warning("the auth store was changed without a running event loop; the change is written later")
        super()._set(token, record)

    def _is_being_written(self) -> bool:
        """Return whether a running loop writes the last change. In a forked child, the loop of the parent counts."""
        latest = self._latest_write
        if latest is None or self._started != self._change_count:
            return False
        return not latest.task.done() and latest.owner.loop.is_running()

    def _start_write(self, owner: OwnerLoop) -> None:
        """Start a task on the running loop that writes the last change."""
        self._started = self._change_count
        work = self._write(self._change_count, self._latest_text, self._latest_write)
        write = self._latest_write = _Write(owner, owner.loop.create_task(work, name="auth store"))
        self._writes.add(write)
        write.task.add_done_callback(lambda _: self._writes.discard(write))

    async def _write(self, number: int, text: str, previous: "_Write | None") -> None:
        if previous is not None and not previous.task.done():
            await previous.owner.run(previous.wait)
        if number < self._finished:
            return
        await self._save_or_clear(text)
        while number < self._finished:  # another loop did not wait for this write, which overwrote a later change
            number, text = self._change_count, self._latest_text
            await self._save_or_clear(text)
        self._finished = number

    async def _save_or_clear(self, text: str) -> None:
        try:
            if text or self._clear is None:
                await self._save(text)
            else:
                await self._clear()
        except Exception:
            _logger.exception("the auth store could not be saved")


class _Write(NamedTuple):
    """The task that writes a change, and the event loop that it runs on."""

    owner: OwnerLoop
    task: asyncio.Task[None]

    async def wait(self) -> None:
        """Wait until the task ends. Called on the task's own loop."""
        await asyncio.wait([self.task])
