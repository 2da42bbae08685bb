"""Auth stores that survive the process."""

import asyncio
import contextlib
import inspect
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..concurrency.event_loops import OwnerLoop
from .file import PrivateFile
from .store import AuthStore
from .stored import copied, parse_stored, to_text

_logger = logging.getLogger("pocketbase_core")


class FileAuthStore(AuthStore):
    """A store in a file that only its owner can read (mode 0600), replaced as a whole at each change.

    A file that cannot be read, that belongs to another user, or that others may write is an empty store, and a warning
    in the log. A change that cannot be written is an OSError; token and record are changed in memory all the same.

    Processes may share the file: before a token is renewed or the signed-in record changes, the store takes over what
    another process has written. A renewed token is written only in place of the token that it was renewed from.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        path = Path(path).absolute()
        self._name = f"the auth store {path.name!r}"
        self._file = PrivateFile(path)
        self._file.discard_draft()
        try:
            self._token, self._record = self._load()
        except OSError as error:
            _logger.warning("%s cannot be used and counts as empty: %s", self._name, error.strerror)
        self._written = self._token
        """The token that the file had when this process last read or wrote it."""

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        text = to_text(token, record)  # a record that has no JSON form is an error that changes nothing
        self._token, self._record = token, record
        try:
            if token:
                with self._file.locked() as replace:
                    replace(text)
            else:
                with contextlib.ExitStack() as stack:
                    with contextlib.suppress(OSError):
                        stack.enter_context(self._file.locked())
                    self._file.remove()
            self._written = token
        finally:
            super()._set(token, record)

    def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        text = to_text(token, record)
        others: tuple[str, dict[str, Any] | None] | None = None
        try:
            with self._file.locked() as replace:
                others = self._changed_by_others()
                if others is None and self._token == old:
                    replace(text)
                    self._written = token
        finally:  # the callbacks are called without the lock: they may change the store
            if others is not None:
                super()._set(*others)
            elif self._token == old:
                super()._set(token, copied(record))

    def _reload_shared(self) -> None:
        others = self._changed_by_others()
        if others is not None:
            super()._set(*others)

    def _changed_by_others(self) -> tuple[str, dict[str, Any] | None] | None:
        """Return what another process has written since this one last read or wrote the file; None for no change."""
        try:
            token, record = self._load()
        except OSError as error:
            _logger.warning("%s cannot be read again: %s", self._name, error.strerror)
            return None
        if token == self._written:
            return None
        self._written = token
        return token, record

    def _load(self) -> tuple[str, dict[str, Any] | None]:
        return parse_stored(self._file.read() or b"", self._name)


class AsyncAuthStore(AuthStore):
    """A store whose token and record are written by `save(text)` and `clear()`, two coroutine functions.

    `initial` is the text that was saved last. The calls are made one after the other, in the order of the changes, each
    on the event loop that the change was made on; `await store.aclose()`, as the client's own does, waits for them.
    What fails is logged. A change that is made without a running event loop is in memory at once, and is written with
    the next change or by `aclose()`.
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
            hint = "await it first" if inspect.isawaitable(initial) else "it is the text that `save` was given"
            raise TypeError(f"initial must be text, not {type(initial).__name__}; {hint}")
        self._save = save
        self._clear = clear
        self._lock = threading.RLock()
        self._changes = 0
        """The number of changes so far; `_text` is the text of the last one."""
        self._text = ""
        self._begun = 0
        """The number of the last change whose write, `_last`, has begun."""
        self._last: _Write | None = None
        self._done = 0
        """The number of the last change that was written, or could not be."""
        self._writes: set[_Write] = set()
        if initial:
            self._token, self._record = parse_stored(initial, "the auth store")

    async def aclose(self) -> None:
        with self._lock:
            if self._done < self._changes and not self._is_being_written():
                self._begin(OwnerLoop())
        while own := [write.task for write in tuple(self._writes) if write.owner.is_current]:
            await asyncio.wait(own)

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        text = to_text(token, record) if token else ""
        with self._lock:
            self._changes += 1
            self._text = text
            try:
                self._begin(OwnerLoop())
            except RuntimeError:
                _logger.warning("the auth store was changed without a running event loop; the change is written later")
        super()._set(token, record)

    def _is_being_written(self) -> bool:
        """Return whether a running loop writes the last change. In a forked child, the parent's does so."""
        last = self._last
        return (
            self._begun == self._changes and last is not None and not last.task.done() and last.owner.loop.is_running()
        )

    def _begin(self, owner: OwnerLoop) -> None:
        """Begin to write the last change on the running loop."""
        self._begun = self._changes
        task = owner.loop.create_task(self._write(self._changes, self._text, self._last), name="auth store")
        write = self._last = _Write(owner, task)
        self._writes.add(write)
        task.add_done_callback(lambda _: self._writes.discard(write))

    async def _write(self, number: int, text: str, before: "_Write | None") -> None:
        if before is not None and not before.task.done():
            await before.owner.run(before.end)
        if number < self._done:
            return
        await self._store(text)
        while number < self._done:  # another loop did not wait for this write, which may have undone a later change
            number, text = self._changes, self._text
            await self._store(text)
        self._done = number

    async def _store(self, text: str) -> None:
        try:
            if text or self._clear is None:
                await self._save(text)
            else:
                await self._clear()
        except Exception:
            _logger.exception("the auth store could not be saved")


class _Write(NamedTuple):
    """A change that is being written, and the event loop that it is written on."""

    owner: OwnerLoop
    task: asyncio.Task[None]

    async def end(self) -> None:
        """Wait for the end of the task, on its own loop."""
        await asyncio.wait([self.task])
