"""Auth stores that survive the process."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .store import AuthStore, from_text

_logger = logging.getLogger("pocketbase_core")


class FileAuthStore(AuthStore):
    """Keeps token and record in a file that only its owner can read (mode 0600), replaced as a whole at each change.

    A file that cannot be read is an empty store, and a warning in the log.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._path = Path(path)
        with contextlib.suppress(FileNotFoundError):
            self._token, self._record = from_text(self._path.read_bytes(), f"the auth store {self._path.name!r}")

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        if token:
            self._write(json.dumps({"token": token, "record": record}))
        else:
            self._path.unlink(missing_ok=True)
        super()._set(token, record)

    def _write(self, text: str) -> None:
        import tempfile  # imports much that only this needs

        # mkstemp makes the file with mode 0600; replacing it follows no link.
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


class AsyncAuthStore(AuthStore):
    """Keeps token and record wherever `save(text)` and `clear()`, two coroutine functions, put them.

    `initial` is the text that was saved last. The calls are made one after the other, in the order of the changes;
    `await store.aclose()`, as the client's own does, waits for them. What fails is logged.
    """

    def __init__(
        self,
        save: Callable[[str], Awaitable[object]],
        clear: Callable[[], Awaitable[object]] | None = None,
        initial: str | None = None,
    ) -> None:
        super().__init__()
        self._save = save
        self._clear = clear
        self._last: asyncio.Task[None] | None = None
        if initial:
            self._token, self._record = from_text(initial, "the auth store")

    async def aclose(self) -> None:
        while self._last is not None and not self._last.done():
            await asyncio.wait([self._last])

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        text = json.dumps({"token": token, "record": record}) if token else ""
        self._last = asyncio.get_running_loop().create_task(self._store(text, self._last))
        super()._set(token, record)

    async def _store(self, text: str, before: "asyncio.Task[None] | None") -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        try:
            if text or self._clear is None:
                await self._save(text)
            else:
                await self._clear()
        except Exception:
            _logger.exception("the auth store could not be saved")
