"""The user of a client, with the auth store, the pipeline of the calls, and the services that make them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .auth import session
from .auth.store import AuthStore
from .auth.token import claims
from .calls.options import RecordOptions, parse_options
from .concurrency.background_tasks import BackgroundTasks
from .concurrency.event_loops import start_lock
from .endpoints import auth, files
from .errors import PocketBaseUnauthorizedError
from .middleware import Middleware
from .middleware.authentication import AttemptAuth, TokenAuth
from .middleware.session_steps import SessionRequests
from .middleware.token_provider import TokenProvider
from .pipeline import Pipeline, Server
from .realtime.timing import RealtimeSettings
from .services.records import RecordService

if TYPE_CHECKING:
    from .realtime.service import Realtime
    from .services.backups import BackupService
    from .services.collections import CollectionService
    from .services.crons import CronService
    from .services.files import FileService
    from .services.health import HealthService
    from .services.logs import LogService
    from .services.settings import SettingsService
    from .services.sql import SqlService

SESSION_TIMEOUT = 30.0
"""The longest time that a refresh or a check may take, in seconds."""


class User:
    """Everything that belongs to one user. A client for another user has another one, so that the two share nothing.

    Args:
        server: The server, and the settings that all users share.
        store: The store of the user.
        make_middleware: Returns the middleware between the token and the transport, the outermost first.
        headers: Returns the client's headers for a request.
        realtime_settings: The settings of the user's realtime.
        verify_every: Seconds of use after which the token is checked again; None for never.
        sign_in: Signs in with the client's credentials; None if it has none.
    """

    def __init__(
        self,
        server: Server,
        store: AuthStore,
        make_middleware: Callable[[], Sequence[Middleware]],
        headers: Callable[[], Mapping[str, str]],
        realtime_settings: RealtimeSettings,
        verify_every: float | None = None,
        sign_in: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._make_middleware = make_middleware
        self._server_middleware = server.middleware
        self._verify_every = verify_every
        self._sign_in = sign_in
        self._session_tasks = BackgroundTasks()
        self._tokens = self._make_tokens(check_store(store))
        self._former_stores: list[AuthStore] = []
        """The stores before that may still have something to write."""
        self.pipeline = Pipeline(server, store, self._full_middleware(), headers, has_credentials=sign_in is not None)
        self._realtime: Realtime | None = None
        self._realtime_settings = realtime_settings

    # A program uses few of these, so each is imported and made on first use.

    @property
    def realtime(self) -> "Realtime":
        """The subscriptions of the user."""
        if self._realtime is None:
            with start_lock:  # two threads must not subscribe to two of them
                from .realtime.service import Realtime

                self._realtime = self._realtime or Realtime(
                    self.pipeline, self._realtime_settings, lambda: self._tokens
                )
        return self._realtime

    @cached_property
    def records(self) -> WeakValueDictionary[tuple[str, type | None], RecordService[Any]]:
        """The services of the collections, by name and class of the records."""
        return WeakValueDictionary()

    @cached_property
    def collections(self) -> "CollectionService":
        """The collections themselves."""
        with start_lock:
            from .services.collections import CollectionService
        return CollectionService(self.pipeline)

    @cached_property
    def files(self) -> "FileService":
        """The files of records."""
        with start_lock:
            from .services.files import FileService
        return FileService(self.pipeline)

    @cached_property
    def backups(self) -> "BackupService":
        """The backups of the server."""
        with start_lock:
            from .services.backups import BackupService
        return BackupService(self.pipeline)

    @cached_property
    def settings(self) -> "SettingsService":
        """The settings of the server."""
        with start_lock:
            from .services.settings import SettingsService
        return SettingsService(self.pipeline)

    @cached_property
    def logs(self) -> "LogService":
        """The request log of the server."""
        with start_lock:
            from .services.logs import LogService
        return LogService(self.pipeline)

    @cached_property
    def crons(self) -> "CronService":
        """The cron jobs of the server."""
        with start_lock:
            from .services.crons import CronService
        return CronService(self.pipeline)

    @cached_property
    def sql(self) -> "SqlService":
        """SQL on the database of the server."""
        with start_lock:
            from .services.sql import SqlService
        return SqlService(self.pipeline)

    @cached_property
    def health(self) -> "HealthService":
        """The health of the server."""
        with start_lock:
            from .services.health import HealthService
        return HealthService(self.pipeline)

    def change_store(self, store: AuthStore) -> None:
        """Make the calls from now on, and realtime, those of another store. Calls in progress keep their store."""
        former = self.pipeline.auth_store
        if check_store(store) is former:
            return
        if type(former).aclose is not AuthStore.aclose and all(each is not former for each in self._former_stores):
            self._former_stores.append(former)
        self._tokens = self._make_tokens(store)
        self.pipeline.change(store, self._full_middleware())
        if self._realtime is not None:
            self._realtime.follow_store()

    def change_middleware(self) -> None:
        """Pass the calls from now on through the middleware that `make_middleware` returns now."""
        self.pipeline.change(self.pipeline.auth_store, self._full_middleware())

    async def aclose(self) -> None:
        """End realtime and the refreshes of tokens, and wait until the stores have written all changes."""
        async with AsyncExitStack() as stack:  # which calls all of these, the last first, even if one raises an error
            for store in [self.pipeline.auth_store, *reversed(self._former_stores)]:
                stack.push_async_callback(store.aclose)
            stack.push_async_callback(self._session_tasks.aclose)  # also those of the stores before
            if self._realtime is not None:
                stack.push_async_callback(self._realtime.close)
        self._former_stores.clear()

    def _full_middleware(self) -> list[Middleware]:
        inner: list[Middleware] = [AttemptAuth(self._tokens), *self._server_middleware]
        return [TokenAuth(self._tokens), *self._make_middleware(), *inner]

    def _make_tokens(self, store: AuthStore) -> TokenProvider:
        sign_in = None if self._sign_in is None else partial(self._sign_in_to, store)
        requests = SessionRequests(partial(self._refresh, store), self._check, sign_in)
        return TokenProvider(store, requests, self._verify_every, self._session_tasks)

    async def _refresh(self, store: AuthStore, token: str) -> str:
        headers = {"Authorization": token}
        options = parse_options(RecordOptions, None, {"headers": headers, "timeout": self._session_timeout()})
        call = auth.refresh(claims(token)["collectionId"], options)
        # The result is saved to the store that the token is from, although the client may have another one by now.
        result = await self.pipeline.execute(
            call.then(lambda _, result: session.refreshed(store, token, result["token"], result["record"]))
        )
        return str(result["token"])

    async def _check(self, token: str) -> None:
        try:
            await self.pipeline.execute(files.check_token(token, self._session_timeout()))
        except PocketBaseUnauthorizedError:
            if self._realtime is not None:
                self._realtime.note_revoked(token)
            raise

    async def _sign_in_to(self, store: AuthStore) -> None:
        if self._sign_in is None or self.pipeline.auth_store is not store:
            message = "the client was given another auth store while the call waited; nothing was sent"
            raise PocketBaseUnauthorizedError(self.pipeline.base_url, 401, message=message)
        await self._sign_in()

    def _session_timeout(self) -> float:
        limit = self.pipeline.timeout
        return SESSION_TIMEOUT if limit is None else min(limit, SESSION_TIMEOUT)


def check_store(store: object) -> AuthStore:
    """Return an auth store unchanged.

    Raises:
        TypeError: If the object is not an auth store.
    """
    if isinstance(store, AuthStore):
        return store
    if isinstance(store, type):
        raise TypeError(f"an auth store must be an object, not a class: {store.__name__}(…)")
    raise TypeError(f"an auth store must be an AuthStore, FileAuthStore or AsyncAuthStore, not {type(store).__name__}")
