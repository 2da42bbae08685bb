"""The services of the blocking client. Their methods are defined in `pocketbase_core.services`."""

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..realtime.service import Realtime as AsyncRealtime
from ..realtime.service import RealtimeMethods
from ..realtime.timing import RealtimeSettings
from ..services.auth import AuthMethods
from ..services.backups import BackupMethods
from ..services.batch import BatchMethods
from ..services.collections import CollectionMethods
from ..services.crons import CronMethods
from ..services.files import FileMethods
from ..services.health import HealthMethods
from ..services.logs import LogMethods
from ..services.records import RecordMethods
from ..services.settings import SettingsMethods
from ..services.sql import SqlMethods
from .face import BlockingService
from .lease import Lease

T = TypeVar("T")


class AuthService(BlockingService, AuthMethods):
    """The ways to sign in to one auth collection, and everything about accounts; see `pocketbase_core.AuthService`."""


class BackupService(BlockingService, BackupMethods):
    """The backups of the server, for superusers. The key of a backup is a file name such as `before-update.zip`."""


class CollectionService(BlockingService, CollectionMethods):
    """The collections themselves, for superusers."""


class CronService(BlockingService, CronMethods):
    """The cron jobs of the server (PocketBase 0.24 and newer)."""


class FileService(BlockingService, FileMethods):
    """The files of records."""


class HealthService(BlockingService, HealthMethods):
    """The health of the server."""


class LogService(BlockingService, LogMethods):
    """The request log of the server."""


class SettingsService(BlockingService, SettingsMethods):
    """The settings of the server."""


class SqlService(BlockingService, SqlMethods):
    """SQL on the database of the server (PocketBase 0.39 and newer)."""


class RecordService(BlockingService, RecordMethods[T]):
    """The records of one collection. `auth` has the ways to sign in, if it is an auth collection."""

    auth: AuthService
    """The ways to sign in."""


class Batch(BlockingService, BatchMethods):
    """A queue of changes, sent by `send()` or at the end of a `with` block; `results` has the results.

    A batch is sent once. If sending fails, the queue is unchanged, and can be sent again.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.send()


class Realtime(BlockingService, RealtimeMethods):
    """Realtime subscriptions, as `pb.realtime`. Callbacks are called on a thread of the client's own.

    All subscriptions share one connection, which is opened with the first and closed with the last of them. The
    connection is replaced before the server ends it, without losing an event. After a lost connection, new ones are
    attempted until one succeeds; then each subscription receives a `Gap`.
    """

    def __init__(self, lease: Lease, realtime: AsyncRealtime) -> None:
        self._realtime = realtime
        super().__init__(lease, realtime._pipeline)
        self.tasks, self._callbacks, self._manager = realtime.tasks, realtime._callbacks, realtime._manager

    if TYPE_CHECKING:
        settings: RealtimeSettings
    else:

        @property
        def settings(self) -> RealtimeSettings:
            """The server's limits and the size of the queues. Change it while nothing is subscribed."""
            return self._realtime.settings

        @settings.setter
        def settings(self, settings: RealtimeSettings) -> None:
            self._realtime.settings = settings
