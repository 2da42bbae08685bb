"""A file that only its owner can read, replaced as a whole, by one process at a time."""

import contextlib
import errno
import importlib
import os
import stat
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

MAX_FILE_SIZE = 16 * 1024 * 1024
LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process, which holds the lock for as long as a small file takes to be written."""
_PAUSE = 0.002
_fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows
    _fcntl = importlib.import_module("fcntl")

# Windows has none of these flags.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class PrivateFile:
    """A file whose new content is written beside it, as a draft, which is then renamed.

    The draft always has the same name. It is also the lock: the draft belongs to the process that has locked it. A
    draft that a killed process left behind is taken over. On Windows, the draft belongs to the process that has it
    open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.tmp")

    def read(self) -> bytes | None:
        """Return the content, or None if there is no file.

        Raises:
            OSError: the file cannot be read, or somebody else could have written or read it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | _NO_WAIT)
        except FileNotFoundError:
            return None
        try:
            _check(os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def locked(self) -> Generator[Callable[[str], None], None, None]:
        """Lock out all other processes for a block, which is given the function that replaces the content.

        Raises:
            OSError: the draft cannot be made, or another process has held the lock for two seconds.
        """
        descriptor, is_renamed = self._claim(), False

        def replace(text: str) -> None:
            nonlocal is_renamed
            with open(descriptor, "wb", closefd=_fcntl is None) as file:  # Windows renames no file that is open
                file.write(text.encode())
            os.replace(self._draft, self._path)  # follows no link
            is_renamed = True

        try:
            yield replace
        finally:
            if not is_renamed:
                with contextlib.suppress(OSError):
                    os.unlink(self._draft)
            with contextlib.suppress(OSError):
                os.close(descriptor)  # only now may another process take the draft

    def remove(self) -> None:
        """Remove the file; empty it where the folder allows no removal."""
        try:
            os.unlink(self._path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            os.close(os.open(self._path, os.O_WRONLY | os.O_TRUNC | _NO_LINK | _NO_WAIT))

    def discard_draft(self) -> None:
        """Remove a draft that a killed process has left behind."""
        if os.path.lexists(self._draft):
            with contextlib.suppress(OSError), self.locked():
                pass

    def _claim(self) -> int:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while (descriptor := self._open_draft() if _fcntl else self._open_exclusively()) is None:
            if time.monotonic() > deadline:
                raise BlockingIOError(errno.EAGAIN, "another process is writing the file", str(self._path))
            time.sleep(_PAUSE)
        return descriptor

    def _open_draft(self) -> int | None:
        """Open the draft, lock and empty it; return None if another process holds the lock."""
        try:
            descriptor = os.open(self._draft, os.O_RDWR | os.O_CREAT | _NO_LINK | _NO_WAIT, 0o600)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            os.unlink(self._draft)  # a link is of somebody else's making
            return None
        is_claimed = False
        try:
            state = os.fstat(descriptor)
            if not _is_own(state) or state.st_nlink > 1:
                os.unlink(self._draft)
            elif _lock(descriptor) and self._is_draft(state):
                os.fchmod(descriptor, 0o600)
                os.ftruncate(descriptor, 0)
                is_claimed = True
        finally:
            if not is_claimed:
                os.close(descriptor)
        return descriptor if is_claimed else None

    def _is_draft(self, state: os.stat_result) -> bool:
        """Return whether the draft is still this file: the process that held the lock before may have renamed it."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(state, os.lstat(self._draft))
        return False

    def _open_exclusively(self) -> int | None:
        """Open the draft on Windows, where nobody removes a file that another process has open."""
        with contextlib.suppress(OSError):
            os.unlink(self._draft)
        with contextlib.suppress(FileExistsError):
            return os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        return None


def _lock(descriptor: int) -> bool:
    try:
        _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks: the file is still replaced as a whole
    return True


def _is_own(state: os.stat_result) -> bool:
    """Return whether this is a regular file of the user that this process runs as."""
    return stat.S_ISREG(state.st_mode) and (os.name != "posix" or state.st_uid == os.geteuid())


def _check(state: os.stat_result) -> None:
    """Raise OSError if the file is not a regular one, is too large, or others could have written it."""
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "the file is not a regular one")
    if not _is_own(state):
        raise OSError(errno.EPERM, "the file belongs to another user")
    if os.name == "posix" and state.st_mode & 0o022:
        raise OSError(errno.EPERM, "others may write the file")
    if state.st_size > MAX_FILE_SIZE:
        raise OSError(errno.EFBIG, "the file is larger than 16 MiB")
