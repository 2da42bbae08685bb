"""The client, which wires the parts together and knows no endpoint."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from .auth.store import SUPERUSERS
from .base_client import BaseClient
from .concurrency.event_loops import start_lock
from .credentials import Credentials
from .messages import Request, RequestDraft, Response
from .middleware import Middleware
from .models.decoders import Record, identity, make_decoder
from .services.auth import AuthService
from .services.custom import CustomRoutes
from .services.records import RecordService

if TYPE_CHECKING:
    from .realtime.service import Realtime
    from .services.backups import BackupService
    from .services.batch import Batch
    from .services.collections import CollectionService
    from .services.crons import CronService
    from .services.files import FileService
    from .services.health import HealthService
    from .services.logs import LogService
    from .services.settings import SettingsService
    from .services.sql import SqlService

T = TypeVar("T")


class PocketBase(BaseClient[Credentials, Middleware], CustomRoutes):
    """A PocketBase server, as one user sees it.

    `collection(name)` has the records, and their ways to sign in; `admins` are the superusers. The other services are
    `collections`, `files`, `backups`, `settings`, `logs`, `crons`, `sql`, `health` and `realtime`. Creating a client
    needs no event loop and opens no connection. Close the client with `async with` or `aclose`.

    Args:
        base_url: The URL of the server, such as `http://127.0.0.1:8090`.
        transport: Sends the requests. Without one, the first installed transport is taken at first use.
        auth_store: Keeps the token and the record of the signed-in user; by default in memory.
        credentials: Signs the client in before its first request, and whenever its token can no longer be refreshed: a
            `PasswordCredentials`, or any coroutine function of one argument, the client. No call is sent as a guest's.
        verify_every: A token that the server has revoked is noticed after this many seconds of use; None is never.
        middleware: Takes the place of `default_middleware()`, the outermost first; `[]` is none.
        lang: The `Accept-Language` header.
        timeout: The limit in seconds for each call as a whole; None is no limit.
        max_response_bytes: The limit for a response that is read as a whole, once decompressed; None is no limit. A
            larger response raises PocketBaseDecodeError. Streams and downloads to files may be of any size.
        json_loads: Decodes JSON in place of the standard library: `orjson.loads`, or msgspec's `decode`.
        json_dumps: Encodes JSON in place of the standard library: `orjson.dumps`, or msgspec's `encode`.
        server_version: The version of the server, such as `"0.40.6"`; None is any from 0.23 on. With `"0.22"`, requests
            and responses are translated for that server, and what it cannot do raises PocketBaseInputError.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If `base_url` is not a base URL, or a limit is not above 0.
    """

    if TYPE_CHECKING:
        # A type checker refuses an assignment to a method, but accepts a method that overrides an attribute.
        before_send: Callable[[RequestDraft], Awaitable[Request | RequestDraft | None]]
        after_send: Callable[[Response], Awaitable[Response | None]]

    @overload
    def collection(self, id_or_name: str) -> RecordService[Record]: ...
    @overload
    def collection(self, id_or_name: str, record_type: type[T]) -> RecordService[T]: ...
    def collection(self, id_or_name: str, record_type: type[Any] | None = None) -> RecordService[Any]:
        """Return the records of a collection: the same object for as long as it is in use.

        Args:
            id_or_name: The id or the name of the collection.
            record_type: The class of the records: a TypedDict, a dataclass, a pydantic model or a msgspec Struct.
                Without one, records are dicts.

        Raises:
            TypeError: If `record_type` is none of these, or has a field that no record can fill.
        """
        user = self._user
        records = user.records
        service = records.get(key := (id_or_name, record_type))
        if service is None:
            decode = identity if record_type is None else make_decoder(record_type)
            service = records[key] = RecordService(
                self.pipeline, lambda: user.realtime, self._passwords, id_or_name, decode
            )
            service.auth = AuthService(self.pipeline, id_or_name, self.with_auth_store)
        return service

    @property
    def admins(self) -> RecordService[Record]:
        """The superusers."""
        return self.collection(SUPERUSERS)

    @property
    def collections(self) -> "CollectionService":
        """The collections themselves, for superusers."""
        return self._user.collections

    @property
    def files(self) -> "FileService":
        """The files of records."""
        return self._user.files

    @property
    def backups(self) -> "BackupService":
        """The backups of the server, for superusers."""
        return self._user.backups

    @property
    def settings(self) -> "SettingsService":
        """The settings of the server, for superusers."""
        return self._user.settings

    @property
    def logs(self) -> "LogService":
        """The request log of the server, for superusers."""
        return self._user.logs

    @property
    def crons(self) -> "CronService":
        """The cron jobs of the server, for superusers."""
        return self._user.crons

    @property
    def sql(self) -> "SqlService":
        """SQL on the database of the server, for superusers."""
        return self._user.sql

    @property
    def health(self) -> "HealthService":
        """The health of the server."""
        return self._user.health

    @property
    def realtime(self) -> "Realtime":
        """The realtime subscriptions of this client."""
        return self._user.realtime

    def create_batch(self) -> "Batch":
        """Return a queue of creates, updates, upserts and deletes that happen together or not at all."""
        with start_lock:
            from .services.batch import Batch
        return Batch(self.pipeline, self._passwords)

    async def aclose(self) -> None:
        """End realtime and token refreshes, and close the transport, but not a session that was given to it."""
        await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
