"""The auth store in a file.

Theory of operation:

`FileAuthStore` changes the memory first, so that a sign-out takes effect even if it cannot be written. It writes during
the change, and any number of processes may share the file. It remembers the token that the file had when it last read
or wrote the file. A file with another token was changed by another process. Before a token is refreshed, or a call
changes the signed-in record, the store reads the file again and takes over such a change. A refreshed token is written
under the lock of the file, and only if the file still has the token that was refreshed: otherwise another process has
signed in or out, and that wins.

Another lock is held for the time of a refresh, so that one process refreshes the token and the others take it over. It
is a file of its own, because the lock of the file is held for the time of a write alone, and its file changes.
"""

import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from .file import PrivateFile
from .file_lock import hold_file
from .serialization import SignIn, copy_record, dump_stored, parse_sign_in, parse_stored
from .store import AuthStore

_Stored = tuple[str, dict[str, Any] | None, SignIn]
_logger = logging.getLogger("pocketbase_core")


class FileAuthStore(AuthStore):
    """A store in a file that only its owner can read (mode 0600), replaced as a whole at each change.

    A file that cannot be read, that belongs to another user, or that other users may write to is an empty store, and a
    warning is logged. A change that cannot be written raises OSError, although token and record have changed in memory.

    Processes may share the file: before a token is refreshed or the signed-in record changes, the store takes over what
    another process has written. One process refreshes the token, and the others wait for it: they share a lock, the
    empty file `.NAME.lock` beside the file. A refreshed token replaces only the token that it was refreshed from.

    Args:
        path: The path of the file. A relative path is resolved once, when the store is created.
    """

    _is_shared = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        path = Path(path).absolute()
        self._name = f"the auth store {path.name!r}"
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._file = PrivateFile(path)
        self._file.remove_stale_draft()
        try:
            self._token, self._record, sign_in = self._load()
            self._known_sign_in = self._token, sign_in
        except OSError as error:
            _logger.warning("%s cannot be used and counts as empty: %s", self._name, error.strerror)
        self._file_token = self._token
        """The token that the file had when this process last read or wrote it."""

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        text = dump_stored(
            token, record, sign_in=self._sign_in_of(token)
        )  # before the change: a record that JSON cannot represent changes nothing
        self._token, self._record = token, record
        try:
            if token:
                with self._file.locked() as replace:
                    replace(text)
            else:
                with contextlib.ExitStack() as stack:
                    with contextlib.suppress(OSError):  # a sign-out must not fail because of a lock
                        stack.enter_context(self._file.locked())
                    self._file.remove()
            self._file_token = token
        finally:
            super()._set(token, record)

    def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        text = dump_stored(token, record, sign_in=self._sign_in_of(token))
        foreign: _Stored | None = None
        try:
            with self._file.locked() as replace:
                foreign = self._read_foreign_change()
                if foreign is None and self._token == old:
                    replace(text)
                    self._file_token = token
        finally:  # the callbacks are called without the lock: they may change the store
            if foreign is not None:
                self._take_over(foreign)
            elif self._token == old:
                super()._set(token, copy_record(record))

    @contextlib.asynccontextmanager
    async def _hold_exclusively(self) -> AsyncGenerator[None, None]:
        async with hold_file(self._lock_path, self._lock_timeout):
            self._reload_shared()
            yield

    def _reload_shared(self) -> None:
        foreign = self._read_foreign_change()
        if foreign is not None:
            self._take_over(foreign)

    def _take_over(self, foreign: _Stored) -> None:
        token, record, sign_in = foreign
        self._known_sign_in = token, sign_in
        super()._set(token, record)

    def _read_foreign_change(self) -> _Stored | None:
        """Return what another process has written since this one last read or wrote the file; None for no change."""
        try:
            stored = self._load()
        except OSError as error:
            _logger.warning("%s cannot be read again: %s", self._name, error.strerror)
            return None
        if stored[0] == self._file_token:
            return None
        self._file_token = stored[0]
        return stored

    def _load(self) -> _Stored:
        text = self._file.read() or b""
        token, record = parse_stored(text, self._name)
        return token, record, parse_sign_in(text) or self._sign_in_of(token)
