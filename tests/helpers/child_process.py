"""Do something in a forked child."""

import os
import signal
import sys
import traceback
from collections.abc import Callable


def in_child(work: Callable[[], object], limit: int, *, exits: bool = False) -> int:
    """Do something in a child process, which prints the traceback of a failure. Return its process id.

    Args:
        work: What to do.
        limit: The seconds after which the child is killed.
        exits: Whether the child ends with `sys.exit`, as a program does, and not with `os._exit`.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.alarm(limit)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    if exits:
        sys.exit(status)
    os._exit(status)


def wait(child: int) -> None:
    """Wait for a child that has to succeed."""
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with {status}"
