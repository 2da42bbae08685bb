"""A temporary PocketBase server for programs without an event loop."""

from types import TracebackType
from typing import Self

from ..testing.server import ServerMethods
from .face import BlockingMethods
from .lease import Lease


class LocalServer(BlockingMethods, ServerMethods):
    """A PocketBase server on a loopback port, which runs while a `with` block runs.

    See `pocketbase_core.testing.LocalServer` for the arguments.
    """

    def __enter__(self) -> Self:
        self._lease = Lease(repr(self))
        try:
            self._lease.run(self._set_up())
        except BaseException:
            self._lease.close()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._lease.run(self._tear_down())
        finally:
            self._lease.close()
