"""The client, which wires the parts together and knows no endpoint."""

import copy
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from .auth.store import SUPERUSERS, AuthStore
from .auth.token import claims
from .calls.filters import build_filter
from .calls.options import check_max_response_bytes
from .calls.paths import custom_path
from .calls.timeout import check_timeout
from .messages import ClientOptions, Request, RequestDraft, Response
from .messages.json_values import JsonDumps, JsonLoads, default_dumps, default_loads
from .middleware import AfterSend, BeforeSend, Middleware, default_middleware
from .middleware.authentication import REFRESH_TIMEOUT, TokenAuth
from .models.decoders import Record, identity, make_decoder
from .pipeline import Pipeline, Server, SharedTransport
from .ports import Transport
from .realtime import Realtime, RealtimeSettings
from .services.auth import AuthService
from .services.backups import BackupService
from .services.batch import Batch
from .services.collections import CollectionService
from .services.crons import CronService
from .services.custom import CustomRoutes
from .services.files import FileService
from .services.flows.password_confirmation import PasswordConfirmation
from .services.health import HealthService
from .services.logs import LogService
from .services.records import RecordService
from .services.settings import SettingsService
from .services.sql import SqlService

T = TypeVar("T")


class PocketBase(CustomRoutes):
    """A PocketBase server, as one user sees it.

    `collection(name)` has the records, and their ways to sign in; `admins` are the superusers. The other services are
    `collections`, `files`, `backups`, `settings`, `logs`, `crons`, `sql`, `health` and `realtime`. Creating a client
    needs no event loop and opens no connection. Close the client with `async with` or `aclose`.

    Args:
        base_url: The URL of the server, such as `http://127.0.0.1:8090`.
        transport: Sends the requests. Without one, the first installed transport is taken at first use.
        auth_store: Keeps the token and the record of the signed-in user; by default in memory.
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
        middleware: Sequence[Middleware] | None = None,
        lang: str = "en-US",
        timeout: float | None = 30.0,
        max_response_bytes: int | None = 64 * 1024 * 1024,
        json_loads: JsonLoads = default_loads,
        json_dumps: JsonDumps = default_dumps,
    ) -> None:
        self._server = Server(
            base_url=_check_url(base_url),
            transport=SharedTransport(transport),
            timeout=check_timeout(timeout),
            client_options=ClientOptions(json_dumps, json_loads, check_max_response_bytes(max_response_bytes)),
        )
        self._lang = lang
        self._middleware = default_middleware() if middleware is None else [*middleware]
        self._passwords = PasswordConfirmation()
        self._owns_transport = True
        self._user = self._make_user(AuthStore() if auth_store is None else auth_store, RealtimeSettings())

    def headers(self) -> dict[str, str]:
        """Return the headers of every request. Override this method in a subclass."""
        return {"Accept-Language": self._lang}

    async def before_send(self, request: RequestDraft) -> Request | RequestDraft | None:
        """Change a request before it is sent. Override this method in a subclass.

        Args:
            request: A draft, which may be edited in place.

        Returns:
            The request to send: a draft, a request, or None for the draft as it is.
        """
        return request

    async def after_send(self, response: Response) -> Response | None:
        """Inspect or replace a response. Override this method in a subclass.

        Returns:
            The response to go on with, or None for the response as it is.
        """
        return response

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
        records = self._user.records
        service = records.get(key := (id_or_name, record_type))
        if service is None:
            decode = identity if record_type is None else make_decoder(record_type)
            auth = AuthService(self.pipeline, id_or_name, self.with_auth_store)
            service = records[key] = RecordService(
                self.pipeline, self.realtime, self._passwords, id_or_name, decode, auth
            )
        return service

    @property
    def base_url(self) -> str:
        """The URL of the server, without a slash at its end."""
        return self._server.base_url

    @property
    def auth_store(self) -> AuthStore:
        """The token and the record of the signed-in user."""
        return self._user.pipeline.auth_store

    @property
    def pipeline(self) -> Pipeline:
        """The way of the calls of this client, for calls that no service has."""
        return self._user.pipeline

    @property
    def admins(self) -> RecordService[Record]:
        """The superusers."""
        return self.collection(SUPERUSERS)

    @property
    def collections(self) -> CollectionService:
        """The collections themselves, for superusers."""
        return self._user.collections

    @property
    def files(self) -> FileService:
        """The files of records."""
        return self._user.files

    @property
    def backups(self) -> BackupService:
        """The backups of the server, for superusers."""
        return self._user.backups

    @property
    def settings(self) -> SettingsService:
        """The settings of the server, for superusers."""
        return self._user.settings

    @property
    def logs(self) -> LogService:
        """The request log of the server, for superusers."""
        return self._user.logs

    @property
    def crons(self) -> CronService:
        """The cron jobs of the server, for superusers."""
        return self._user.crons

    @property
    def sql(self) -> SqlService:
        """SQL on the database of the server, for superusers."""
        return self._user.sql

    @property
    def health(self) -> HealthService:
        """The health of the server."""
        return self._user.health

    @property
    def realtime(self) -> Realtime:
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
            TypeError: If a value is of a type that a filter cannot contain.
            ValueError: If a placeholder has no value, or a value no placeholder, or a value cannot be written so that
                every server from 0.23 on reads it alike.
        """
        return build_filter(raw, {**(params or {}), **keywords}, escapes=self.filter_escapes)

    def create_batch(self) -> Batch:
        """Return a queue of creates, updates, upserts and deletes that happen together or not at all."""
        return Batch(self.pipeline, self._passwords)

    def with_auth_store(self, store: AuthStore) -> Self:
        """Return a client for another user, with the same transport and middleware. Closing it closes no transport."""
        self._server.transport.get()
        other = copy.copy(self)
        other._owns_transport = False
        other._user = other._make_user(store, self.realtime.settings)
        return other

    async def aclose(self) -> None:
        """End realtime and token refreshes, and close the transport, but not a session that was given to it."""
        try:
            await self.realtime.close()
            await self._user.auth.aclose()
            await self.auth_store.aclose()
        finally:
            if self._owns_transport:
                await self._server.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _make_user(self, store: AuthStore, realtime_settings: RealtimeSettings) -> "_User":
        auth = TokenAuth(store, self._refresh)
        middleware: list[Middleware] = [auth]
        if type(self).before_send is not PocketBase.before_send:
            middleware.append(BeforeSend(self.before_send))
        if type(self).after_send is not PocketBase.after_send:
            middleware.append(AfterSend(self.after_send))
        pipeline = Pipeline(self._server, store, [*middleware, *self._middleware], self.headers)
        return _User(pipeline, auth, realtime_settings)

    async def _refresh(self, token: str) -> None:
        users = self.collection(claims(token)["collectionId"])
        limit = self._server.timeout
        limit = REFRESH_TIMEOUT if limit is None else min(limit, REFRESH_TIMEOUT)
        await users.auth.refresh(headers={"Authorization": token}, timeout=limit)


class _User:
    """Everything that belongs to one user. A client for another user has another one, so that the two share nothing."""

    def __init__(self, pipeline: Pipeline, auth: TokenAuth, realtime_settings: RealtimeSettings) -> None:
        self.pipeline = pipeline
        self.auth = auth
        self.collections = CollectionService(pipeline)
        self.files = FileService(pipeline)
        self.backups = BackupService(pipeline)
        self.settings = SettingsService(pipeline)
        self.logs = LogService(pipeline)
        self.crons = CronService(pipeline)
        self.sql = SqlService(pipeline)
        self.health = HealthService(pipeline)
        self.realtime = Realtime(pipeline, realtime_settings)
        self.records: WeakValueDictionary[tuple[str, type | None], RecordService[Any]] = WeakValueDictionary()


def _check_url(url: str) -> str:
    if not isinstance(url, str):
        raise TypeError(f"a base URL must be text, not {type(url).__name__}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise ValueError(f"{url!r} is not a valid base URL, such as 'http://127.0.0.1:8090'")
    if parts.query or parts.fragment or parts.username is not None or parts.port == 0:
        raise ValueError("a base URL must not contain a query, a fragment, user information or port 0")
    return f"{parts.scheme}://{parts.netloc}{custom_path(parts.path)}".rstrip("/")
