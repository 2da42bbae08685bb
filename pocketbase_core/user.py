"""The user of a client, with the auth store, the pipeline of the calls, and the services that make them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from .auth import session
from .auth.store import AuthStore
from .auth.token import claims
from .calls.options import RecordOptions, parse_options
from .endpoints import auth
from .middleware import Middleware
from .middleware.authentication import REFRESH_TIMEOUT, TokenAuth
from .pipeline import Pipeline, Server
from .realtime import Realtime, RealtimeSettings
from .services.backups import BackupService
from .services.collections import CollectionService
from .services.crons import CronService
from .services.files import FileService
from .services.health import HealthService
from .services.logs import LogService
from .services.records import RecordService
from .services.settings import SettingsService
from .services.sql import SqlService


class User:
    """Everything that belongs to one user. A client for another user has another one, so that the two share nothing.

    Args:
        server: The server, and the settings that all users share.
        store: The store of the user.
        make_middleware: Returns the middleware between the token and the transport, the outermost first.
        headers: Returns the client's headers for a request.
        realtime_settings: The settings of the user's realtime.
    """

    def __init__(
        self,
        server: Server,
        store: AuthStore,
        make_middleware: Callable[[], Sequence[Middleware]],
        headers: Callable[[], Mapping[str, str]],
        realtime_settings: RealtimeSettings,
    ) -> None:
        self._make_middleware = make_middleware
        self._auth = TokenAuth(check_store(store), partial(self._refresh, store))
        self._former_stores: list[AuthStore] = []
        """The stores before that may still have something to write."""
        self.pipeline = Pipeline(server, store, [self._auth, *make_middleware()], headers)
        self.collections = CollectionService(self.pipeline)
        self.files = FileService(self.pipeline)
        self.backups = BackupService(self.pipeline)
        self.settings = SettingsService(self.pipeline)
        self.logs = LogService(self.pipeline)
        self.crons = CronService(self.pipeline)
        self.sql = SqlService(self.pipeline)
        self.health = HealthService(self.pipeline)
        self.realtime = Realtime(self.pipeline, realtime_settings)
        self.records: WeakValueDictionary[tuple[str, type | None], RecordService[Any]] = WeakValueDictionary()

    def change_store(self, store: AuthStore) -> None:
        """Make the calls from now on, and realtime, those of another store. Calls in progress keep their store."""
        former = self.pipeline.auth_store
        if check_store(store) is former:
            return
        if type(former).aclose is not AuthStore.aclose and all(each is not former for each in self._former_stores):
            self._former_stores.append(former)
        self._auth = TokenAuth(store, partial(self._refresh, store), tasks=self._auth.tasks)
        self.pipeline.change(store, [self._auth, *self._make_middleware()])
        self.realtime.follow_store()

    def change_middleware(self) -> None:
        """Pass the calls from now on through the middleware that `make_middleware` returns now."""
        self.pipeline.change(self.pipeline.auth_store, [self._auth, *self._make_middleware()])

    async def aclose(self) -> None:
        """End realtime and the refreshes of tokens, and wait until the stores have written all changes."""
        await self.realtime.close()
        await self._auth.aclose()  # also the refreshes for the stores before
        for store in [*self._former_stores, self.pipeline.auth_store]:
            await store.aclose()
        self._former_stores.clear()

    async def _refresh(self, store: AuthStore, token: str) -> None:
        limit = self.pipeline.timeout
        limit = REFRESH_TIMEOUT if limit is None else min(limit, REFRESH_TIMEOUT)
        options = parse_options(RecordOptions, None, {"headers": {"Authorization": token}, "timeout": limit})
        call = auth.refresh(claims(token)["collectionId"], options)
        # The result is saved to the store that the token is from, although the client may have another one by now.
        await self.pipeline.execute(
            call.then(lambda _, result: session.refreshed(store, token, result["token"], result["record"]))
        )


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
