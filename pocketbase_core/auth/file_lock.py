"""A lock that processes, and stores of one process, share by means of a file.

The lock ends with the process that holds it. The file is never removed: another process may have opened it already, and
would then lock a file that nobody else sees.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from ..backoff import full_jitter
from .file import release, try_acquire

FIRST_PAUSE = 0.01
"""The longest pause, in seconds, before the second attempt to lock the file. It doubles with each attempt."""
LONGEST_PAUSE = 0.1
_logger = logging.getLogger("pocketbase_core")


@asynccontextmanager
async def hold_file(path: Path, seconds: float) -> AsyncGenerator[None, None]:
    """Hold the lock of a file for a block. If the lock cannot be obtained in time, run the block without it.

    Args:
        path: The file. It is created if it does not exist.
        seconds: The longest time to wait for the lock.
    """
    descriptor = await _acquire(path, seconds)
    try:
        yield
    finally:
        if descriptor is not None:
            release(descriptor)


async def _acquire(path: Path, seconds: float) -> int | None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    attempts = 0
    try:
        while (descriptor := try_acquire(path)) is None:
            if loop.time() >= deadline:
                _logger.warning("the lock %r was not obtained within %g s; going on without it", path.name, seconds)
                break
            await asyncio.sleep(full_jitter(attempts, FIRST_PAUSE, LONGEST_PAUSE, random.random()))
            attempts += 1
    except OSError as error:
        _logger.warning("the lock %r cannot be used; going on without it: %s", path.name, error.strerror)
        return None
    return descriptor
