"""The client without `await`."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from ..auth.store import SUPERUSERS, AuthStore
from ..base_client import BaseClient
from ..client import PocketBase as AsyncPocketBase
from ..credentials import Credentials as AsyncCredentials
from ..faces import method
from ..messages import Request, RequestDraft, Response
from ..middleware import Middleware as AsyncMiddleware
from ..models.decoders import Record, identity, make_decoder
from ..realtime.timing import RealtimeSettings
from ..services.custom import CustomRoutes
from ..user import User
from . import services
from .callbacks import as_middleware, is_asynchronous, run_on_calling_thread
from .face import BlockingMethods
from .lease import Lease
from .services import AuthService, Batch, Realtime, RecordService

T = TypeVar("T")
Handler = Callable[[Request], Response]
"""The rest of the chain, which a middleware that blocks calls as `call_next(request)`."""
Middleware = AsyncMiddleware | Callable[[Request, Handler], Response]
"""A middleware of `pocketbase_core`, or a function that blocks: `def middleware(request, call_next) -> Response`."""
Credentials = AsyncCredentials | Callable[["PocketBase"], object]
"""Credentials of `pocketbase_core`, or a function that blocks: `def sign_in(client)`."""
_RequestResult = Request | RequestDraft | None
_ResponseResult = Response | None


class PocketBase(BlockingMethods, BaseClient[Credentials, Middleware]):
    """A PocketBase server, as one user sees it, for programs without an event loop.

    The names and arguments are those of `pocketbase_core.PocketBase`, without `await`: iterators are iterators, and
    `with` takes the place of `async with`. A client can be used from any number of threads, and after a fork. Hooks,
    middleware and credentials may be functions that block, which are called on the thread that made the call. The
    callbacks of subscriptions are called on a thread of the client's own. `headers` of a subclass is called on the
    portal's thread: it must not block, and sees the context variables of the caller, but not the thread locals.

    Close the client with `with` or `close`.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If `base_url` is not a base URL, or a limit is not above 0.
    """

    if TYPE_CHECKING:
        before_send: Callable[[RequestDraft], _RequestResult | Awaitable[_RequestResult]]
        after_send: Callable[[Response], _ResponseResult | Awaitable[_ResponseResult]]

    _original: Self | None = None
    """The client whose transport this one uses; None if it has one of its own."""

    send = method(CustomRoutes.send)
    send_raw = method(CustomRoutes.send_raw)
    stream = method(CustomRoutes.stream)

    @overload
    def collection(self, id_or_name: str) -> RecordService[Record]: ...
    @overload
    def collection(self, id_or_name: str, record_type: type[T]) -> RecordService[T]: ...
    def collection(self, id_or_name: str, record_type: type[Any] | None = None) -> RecordService[Any]:
        """Return the records of a collection; see `pocketbase_core.PocketBase.collection`."""
        user, lease = self._user, self._lease
        decode = identity if record_type is None else make_decoder(record_type)
        service = RecordService[Any](lease, self.pipeline, lambda: user.realtime, self._passwords, id_or_name, decode)
        service.auth = AuthService(lease, self.pipeline, id_or_name, self.with_auth_store)
        return service

    @property
    def admins(self) -> RecordService[Record]:
        """The superusers."""
        return self.collection(SUPERUSERS)

    @property
    def collections(self) -> services.CollectionService:
        """The collections themselves, for superusers."""
        return services.CollectionService(self._lease, self.pipeline)

    @property
    def files(self) -> services.FileService:
        """The files of records."""
        return services.FileService(self._lease, self.pipeline)

    @property
    def backups(self) -> services.BackupService:
        """The backups of the server, for superusers."""
        return services.BackupService(self._lease, self.pipeline)

    @property
    def settings(self) -> services.SettingsService:
        """The settings of the server, for superusers."""
        return services.SettingsService(self._lease, self.pipeline)

    @property
    def logs(self) -> services.LogService:
        """The request log of the server, for superusers."""
        return services.LogService(self._lease, self.pipeline)

    @property
    def crons(self) -> services.CronService:
        """The cron jobs of the server, for superusers."""
        return services.CronService(self._lease, self.pipeline)

    @property
    def sql(self) -> services.SqlService:
        """SQL on the database of the server, for superusers."""
        return services.SqlService(self._lease, self.pipeline)

    @property
    def health(self) -> services.HealthService:
        """The health of the server."""
        return services.HealthService(self._lease, self.pipeline)

    @property
    def realtime(self) -> Realtime:
        """The realtime subscriptions of this client."""
        return Realtime(self._lease, self._user.realtime)

    def create_batch(self) -> Batch:
        """Return a queue of creates, updates, upserts and deletes that happen together or not at all."""
        return Batch(self._lease, self.pipeline, self._passwords)

    def with_auth_store(self, store: AuthStore) -> Self:
        """Return a client for another user, with the same transport and middleware. Closing it closes no transport."""
        return super().with_auth_store(store)._keep(self)

    def close(self) -> None:
        """End realtime and token refreshes, and close the transport, but not a session that was given to it."""
        lease = self._lease
        if lease.is_closed:
            return
        try:
            lease.run_last(self._close())
        finally:
            lease.close()

    def __enter__(self) -> Self:
        self._lease.portal()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __copy__(self) -> Self:
        return self._copy()._keep(self)

    def __del__(self) -> None:
        lease: Lease | None = vars(self).get("_lease")
        if lease is not None and self._original is None:
            lease.abandon(self._close)

    def _keep(self, original: Self) -> Self:
        """Keep the client that this one was made of, because its deletion closes the transport. Return this client."""
        self._original = original
        return self

    def _make_user(self, store: AuthStore, realtime_settings: RealtimeSettings) -> User:
        # A client of `with_auth_store` has the lease of the first client here.
        name, parent = f"{type(self).__name__}({self.base_url!r})", vars(self).get("_lease")
        self._lease = Lease(name, parent, self._server.transport)
        return super()._make_user(store, realtime_settings)

    def _adapt(self, middleware: list[AsyncMiddleware]) -> list[AsyncMiddleware]:
        return [as_middleware(each) for each in middleware]

    async def _call_credentials(self) -> None:
        credentials = self._credentials
        if is_asynchronous(credentials):
            await credentials(self._as_async())
        else:
            await run_on_calling_thread(credentials, self)

    def _as_async(self) -> AsyncPocketBase:
        """Return the asynchronous face of this client, for credentials that are coroutine functions."""
        face = object.__new__(AsyncPocketBase)
        vars(face).update(vars(self))
        return face
