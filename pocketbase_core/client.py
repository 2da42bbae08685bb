"""The client, which wires the parts together and knows no endpoint."""

from collections.abc import Awaitable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from .assignments import Assignments
from .auth.store import SUPERUSERS, AuthStore, name_user
from .calls.filters import build_filter
from .calls.options import check_max_response_bytes
from .calls.paths import check_base_url
from .calls.timeout import check_timeout
from .concurrency.event_loops import start_lock
from .credentials import Credentials, check_credentials, check_verify_every
from .messages import ClientOptions
from .messages.json_values import JsonDumps, JsonLoads, default_dumps, default_loads
from .middleware import Middleware, default_middleware
from .middleware.checks import check_middleware
from .models.decoders import Record, identity, make_decoder
from .peer_names import AnswersPeerNames
from .pipeline import Pipeline, Server, SharedTransport
from .ports import Transport
from .realtime.timing import RealtimeSettings
from .services.auth import AuthService
from .services.custom import CustomRoutes
from .services.flows.password_confirmation import PasswordConfirmation
from .services.records import RecordService
from .user import User

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


class PocketBase(Assignments, CustomRoutes, AnswersPeerNames):
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

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If `base_url` is not a base URL, or a limit is not above 0.
    """

    filter_escapes = False
    """True if all servers of this client are 0.39.9 or newer; `filter` can then write any backslash."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport | None = None,
        auth_store: AuthStore | None = None,
        credentials: Credentials | None = None,
        verify_every: float | None = 300.0,
        middleware: Sequence[Middleware] | None = None,
        lang: str = "en-US",
        timeout: float | None = 30.0,
        max_response_bytes: int | None = 64 * 1024 * 1024,
        json_loads: JsonLoads = default_loads,
        json_dumps: JsonDumps = default_dumps,
    ) -> None:
        self._server = Server(
            base_url=check_base_url(base_url),
            transport=SharedTransport(transport),
            timeout=check_timeout(timeout),
            client_options=ClientOptions(json_dumps, json_loads, check_max_response_bytes(max_response_bytes)),
        )
        self._lang = _check_lang(lang)
        self._middleware = default_middleware() if middleware is None else check_middleware(middleware)
        self._passwords = PasswordConfirmation()
        self._credentials: Credentials | None = None if credentials is None else check_credentials(credentials)
        self._verify_every = check_verify_every(verify_every)
        self._owns_transport = True
        self._user = self._make_user(AuthStore() if auth_store is None else auth_store, RealtimeSettings())

    def __repr__(self) -> str:
        if "_user" not in vars(self):
            return object.__repr__(self)  # a debugger shows a client whose `__init__` has not ended
        parts = (repr(self.base_url), name_user(self.auth_store))
        return f"{type(self).__name__}({', '.join(filter(None, parts))})"

    def headers(self) -> dict[str, str]:
        """Return the headers of every request. Override this method in a subclass."""
        return {"Accept-Language": self._lang}

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
            auth = AuthService(self.pipeline, id_or_name, self.with_auth_store)
            service = records[key] = RecordService(
                self.pipeline, lambda: user.realtime, self._passwords, id_or_name, decode, auth
            )
        return service

    @property
    def base_url(self) -> str:
        """The URL of the server, without a slash at its end."""
        return self._server.base_url

    @property
    def lang(self) -> str:
        """The `Accept-Language` header. Set it to change the header of the requests from now on."""
        return self._lang

    @lang.setter
    def lang(self, lang: str) -> None:
        self._lang = _check_lang(lang)

    @property
    def auth_store(self) -> AuthStore:
        """The token and the record of the signed-in user.

        Set it to act as another user: calls from now on and realtime use the new store. Calls in progress are sent as
        the user who made them.
        """
        return self._user.pipeline.auth_store

    @auth_store.setter
    def auth_store(self, store: AuthStore) -> None:
        self._user.change_store(store)

    @property
    def pipeline(self) -> Pipeline:
        """The way of the calls of this client, for calls that no service has."""
        return self._user.pipeline

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

    def build_url(self, path: str) -> str:
        """Return the absolute URL of a path on this server."""
        return self.pipeline.build_url(path)

    def filter(self, raw: str, params: Mapping[str, Any] | None = None, /, **keywords: Any) -> str:
        """Return a filter expression with values put in safely: `filter("title = {:title}", title="…")`.

        Args:
            raw: The expression, with placeholders such as `{:title}`. A name may be any text without braces.
            params: The values by name, as a dict.
            **keywords: More values by name.

        Raises:
            TypeError: If a value is of a type that a filter cannot contain, or was passed twice.
            ValueError: If a placeholder has no value, or a value no placeholder, or a value cannot be written so that
                every server from 0.23 on reads it alike.
        """
        if twice := (params or {}).keys() & keywords.keys():
            raise TypeError(f"values must be passed once, in the dict or by keyword: {', '.join(sorted(twice))}")
        return build_filter(raw, {**(params or {}), **keywords}, escapes=self.filter_escapes)

    def create_batch(self) -> "Batch":
        """Return a queue of creates, updates, upserts and deletes that happen together or not at all."""
        with start_lock:
            from .services.batch import Batch
        return Batch(self.pipeline, self._passwords)

    def with_auth_store(self, store: AuthStore) -> Self:
        """Return a client for another user, with the same transport and middleware. Closing it closes no transport."""
        self._server.transport.get()
        other = self._copy()
        vars(other).update(_owns_transport=False, _credentials=None)  # credentials are those of one user
        other._user = other._make_user(store, self.realtime.settings)
        return other

    async def aclose(self) -> None:
        """End realtime and token refreshes, and close the transport, but not a session that was given to it."""
        try:
            await self._user.aclose()
        finally:
            if self._owns_transport:
                await self._server.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _make_user(self, store: AuthStore, realtime_settings: RealtimeSettings) -> User:
        sign_in = None if self._credentials is None else self._sign_in
        return User(
            self._server, store, self._make_middleware, self.headers, realtime_settings, self._verify_every, sign_in
        )

    async def _sign_in(self) -> None:
        signing_in: object = self._credentials(self) if self._credentials is not None else None
        if not isinstance(signing_in, Awaitable):
            raise TypeError(
                f"credentials must be a coroutine function: async def sign_in(client), not {self._credentials!r}"
            )
        await signing_in

    def _make_middleware(self) -> list[Middleware]:
        return [*self._make_hooks(), *self._middleware]


def _check_lang(lang: str) -> str:
    if not isinstance(lang, str):
        raise TypeError(f"lang must be text, such as 'en-US', not {type(lang).__name__}")
    return lang
