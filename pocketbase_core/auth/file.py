"""A file that only its owner can read, replaced as a whole, by one process at a time.

Theory of operation:

- **Replacing.** New content is written to a second file, the draft, beside the file. The draft is then renamed to the
  file's name. A reader therefore sees the old content or the new content, and never a part. A link in the file's place
  is replaced, and not followed.
- **Locking.** The draft always has the same name, and it is also the lock: the process that has locked the draft
  (`flock`) may replace the file. The lock ends with the process, so a draft that a killed process left behind can be
  locked and used again. Another process waits for the lock for up to two seconds.
- **The race after a lock.** While a process waits for the lock of a draft, the owner may rename that draft to the
  file's name. The process then holds the lock of the file itself, and not of a draft. So after it got the lock, it
  checks whether the draft's name still leads to the open file. If not, it begins again.
- **Foreign drafts.** Others may be able to create files in the folder. A draft that is a link, has a second name, or
  belongs to another user is removed and never written to.
- **File systems without locks.** The file is still replaced as a whole, but two processes may replace it in turn.
- **Windows.** There is no `flock`, but no process can remove a file that another process has open. So the draft belongs
  to the process that has it open: every process first tries to remove the draft, and then creates it exclusively. An
  open file cannot be renamed either, so the draft is closed before it is renamed.
"""

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
"""The largest file that is read, in bytes."""
LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process, which holds the lock for as long as a small file takes to be written."""
_POLL_INTERVAL = 0.002
_fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows
    _fcntl = importlib.import_module("fcntl")

# Windows has none of these flags.
_NON_BLOCKING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_OPEN_OR_CREATE = os.O_RDWR | os.O_CREAT | _NO_FOLLOW | _NON_BLOCKING


class PrivateFile:
    """A file that only its owner can read, and that processes replace one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.tmp")

    def read(self) -> bytes | None:
        """Return the content, or None if there is no file.

        Raises:
            OSError: If the file cannot be read, or another user could have written it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | _NON_BLOCKING)
        except FileNotFoundError:
            return None
        try:
            _check_trusted(os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def locked(self) -> Generator[Callable[[str], None], None, None]:
        """Hold the lock for a block, which gets the function that replaces the content.

        Raises:
            OSError: If the draft cannot be created, or another process has held the lock for two seconds.
        """
        descriptor, is_renamed = self._acquire_draft(), False

        def replace(text: str) -> None:
            nonlocal is_renamed
            with open(descriptor, "wb", closefd=_fcntl is None) as file:  # Windows does not rename an open file
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
                os.close(descriptor)  # releases the lock, so this is the last step

    def remove(self) -> None:
        """Remove the file. If the folder does not allow that, empty the file."""
        try:
            os.unlink(self._path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            os.close(os.open(self._path, os.O_WRONLY | os.O_TRUNC | _NO_FOLLOW | _NON_BLOCKING))

    def remove_stale_draft(self) -> None:
        """Remove a draft that a killed process left behind, and which may hold a token."""
        if os.path.lexists(self._draft):
            with contextlib.suppress(OSError), self.locked():
                pass

    def _acquire_draft(self) -> int:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while (descriptor := self._try_lock_draft() if _fcntl else _try_create(self._draft)) is None:
            if time.monotonic() > deadline:
                raise BlockingIOError(errno.EAGAIN, "another process is writing the file", str(self._path))
            time.sleep(_POLL_INTERVAL)
        return descriptor

    def _try_lock_draft(self) -> int | None:
        """Open the draft, lock it and empty it. Return None if another process holds the lock."""
        try:
            descriptor = os.open(self._draft, _OPEN_OR_CREATE, 0o600)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            os.unlink(self._draft)  # a link: this class creates none
            return None
        is_acquired = False
        try:
            status = os.fstat(descriptor)
            if not _is_own_regular_file(status) or status.st_nlink > 1:
                os.unlink(self._draft)
            elif _try_lock(descriptor) and self._is_draft(status):
                os.fchmod(descriptor, 0o600)
                os.ftruncate(descriptor, 0)
                is_acquired = True
        finally:
            if not is_acquired:
                os.close(descriptor)
        return descriptor if is_acquired else None

    def _is_draft(self, status: os.stat_result) -> bool:
        """Return whether the open file still is the draft: the last owner of the lock may have renamed it."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(status, os.lstat(self._draft))
        return False


def try_acquire(path: Path) -> int | None:
    """Lock a file that is used for nothing else. Return a descriptor, or None if somebody else holds the lock.

    Raises:
        OSError: If the file cannot be created, or is not a regular file of this user.
    """
    if _fcntl is None:
        return _try_create(path)
    descriptor, is_acquired = os.open(path, _OPEN_OR_CREATE, 0o600), False
    try:
        if not _is_own_regular_file(os.fstat(descriptor)):
            raise OSError(errno.EPERM, "it is not a regular file of this user")
        is_acquired = _try_lock(descriptor)
    finally:
        if not is_acquired:
            os.close(descriptor)
    return descriptor if is_acquired else None


def release(descriptor: int) -> None:
    """Release the lock of `try_acquire`. The file stays, because others may be about to lock it."""
    with contextlib.suppress(OSError):
        if _fcntl is not None:  # closing is not enough, if a forked child has a copy of the descriptor
            _fcntl.flock(descriptor, _fcntl.LOCK_UN)
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _try_create(path: Path) -> int | None:
    """Create a file on Windows. Return None if another process has it open."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    with contextlib.suppress(FileExistsError):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    return None


def _try_lock(descriptor: int) -> bool:
    try:
        _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _is_own_regular_file(status: os.stat_result) -> bool:
    """Return whether this is a regular file of the user that this process runs as."""
    return stat.S_ISREG(status.st_mode) and (os.name != "posix" or status.st_uid == os.geteuid())


def _check_trusted(status: os.stat_result) -> None:
    """Raise OSError if the file is not a regular file, is too large, or may have been written by another user."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if not _is_own_regular_file(status):
        raise OSError(errno.EPERM, "the file belongs to another user")
    if os.name == "posix" and status.st_mode & 0o022:
        raise OSError(errno.EPERM, "other users may write to the file")
    if status.st_size > MAX_FILE_SIZE:
        raise OSError(errno.EFBIG, "the file is larger than 16 MiB")
