"""A file beside a target, which replaces the target once it is complete."""

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class PartialFile:
    """The file beside the target.

    The methods run in worker threads. After `discard`, they do nothing, because the thread of a cancelled wait keeps
    running.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target
        self._file: BinaryIO | None = None
        self._discarded = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Create the file.

        Raises:
            OSError: If there cannot be a file of the target's name.
        """
        # Renaming would replace a symbolic link, or a device, by a file.
        target = self._target = Path(os.path.realpath(self._target))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder is in the place of the file", str(target))
        if target.exists() and not target.is_file():
            raise FileExistsError(errno.EEXIST, "something that is not a file is in its place", str(target))
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
        with self._lock:
            if not self._discarded:
                # Shortened, as the target's name may be as long as names can be.
                self._path = target.with_name(f"{target.name[:40]}.{os.urandom(4).hex()}.part")
                mode = 0o600 if target.exists() else 0o666  # before the umask; `finish` gives it the target's
                self._path.touch(mode, exist_ok=False)
                self._file = self._path.open("r+b", buffering=0)

    def clear(self) -> None:
        """Empty the file."""
        with self._lock:
            if self._file is not None:
                self._file.seek(0)
                self._file.truncate()

    def write(self, data: memoryview) -> None:
        """Append data."""
        with self._lock:
            if self._file is not None:
                while data:
                    data = data[self._file.write(data) :]

    def finish(self) -> None:
        """Replace the target by the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()  # which may find the disk full
                with suppress(FileNotFoundError):
                    _keep_access(self._path, self._target.stat())
                self._path.replace(self._target)
                self._file = None

    def discard(self) -> None:
        """Close and delete the file."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                opened, self._file = self._file, None
                try:
                    self._path.unlink(missing_ok=True)
                finally:
                    opened.close()


def _keep_access(path: Path, replaced: os.stat_result) -> None:
    """Give a file the owner and the group of the one that it replaces, where that is allowed, and its mode."""
    for owner in (replaced.st_uid, -1):
        with suppress(OSError, AttributeError):  # Windows has no chown
            os.chown(path, owner, replaced.st_gid)
            break
    path.chmod(replaced.st_mode & 0o777)
