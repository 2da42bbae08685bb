"""The client, which wires the parts together and knows no endpoint."""

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from .auth.store import SUPERUSERS, AuthStore
from .auth.token import claims
from .calls.call import Call
from .calls.filters import build_filter
from .calls.options import SendOptions, check_size, check_timeout, parse_options
from .calls.parsing import raise_for_status, reject_unrequested_part
from .calls.paths import custom_path
from .endpoints import custom
from .errors import PocketBaseError, not_event_stream, response_from_error
from .messages import Headers, Request, RequestDraft, Response, ServerSentEvent
from .messages.json_values import JsonDumps, JsonLoads, default_dumps, default_loads
from .middleware import AfterSend, BeforeSend, Middleware, Retry, chain, default_middleware
from .middleware.authentication import REFRESH_TIMEOUT, TokenAuth
from .models.decoders import Record, identity, make_decoder
from .ports import StreamedResponse, Transport
from .realtime import Realtime, RealtimeSettings
from .services.backups import BackupService
from .services.batch import Batch
from .services.collections import CollectionService
from .services.crons import CronService
from .services.files import FileService
from .services.flows.password_confirmation import PasswordConfirmation
from .services.health import HealthService
from .services.logs import LogService
from .services.records import RecordService
from .services.settings import SettingsService
from .services.sql import SqlService
from .transport import StreamingResponse, read_error_body
from .transport.discovery import check_transport, find_transport

T = TypeVar("T")


class PocketBase:
    """A PocketBase server, as seen by one user, whom `auth_store` keeps.

    `collection(name)` has the records, and their ways to sign in; `admins` are the superusers. The other services are
    `collections`, `files`, `backups`, `settings`, `logs`, `crons`, `sql`, `health` and `realtime`.

    `transport` sends: without one, the first installed is taken at first use. `middleware` takes the place of
    `default_middleware()`. `timeout` is in seconds, for each call as a whole; None is no limit. `json_loads` and
    `json_dumps` take the place of the standard library's: orjson's, say, or msgspec's `decode` and `encode`. An answer
    of more than `max_response_bytes`, once decompressed, is a `PocketBaseDecodeError`; streams and downloads to files
    may be of any size.
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
        self.base_url = _check_url(base_url)
        self._lang = lang
        self._timeout = check_timeout(timeout)
        self._max_response_bytes = check_size(max_response_bytes)
        self.json_loads = json_loads
        self._json_dumps = json_dumps
        self._transport = None if transport is None else check_transport(transport)
        self._owns_transport = True
        self._middleware = default_middleware() if middleware is None else [*middleware]
        self._own_headers: tuple[dict[str, str], Headers] = {}, Headers()
        self._passwords = PasswordConfirmation()
        self._serve(AuthStore() if auth_store is None else auth_store, RealtimeSettings())

    def _serve(self, store: AuthStore, settings: RealtimeSettings) -> None:
        """Wire everything that belongs to one user."""
        self.auth_store = store
        self.collections = CollectionService(self, store)
        self.files = FileService(self)
        self.backups = BackupService(self)
        self.settings = SettingsService(self)
        self.logs = LogService(self)
        self.crons = CronService(self)
        self.sql = SqlService(self)
        self.health = HealthService(self)
        self.realtime = Realtime(self, store, settings, self._timeout)
        self._records: WeakValueDictionary[tuple[str, type | None], RecordService[Any]] = WeakValueDictionary()
        self._auth = TokenAuth(store, self._refresh)
        self._layers: list[Middleware] = [self._auth]
        if type(self).before_send is not PocketBase.before_send:
            self._layers.append(BeforeSend(self.before_send))
        if type(self).after_send is not PocketBase.after_send:
            self._layers.append(AfterSend(self.after_send))
        self._layers += self._middleware
        self._handle = chain(self._layers, self._send)

    def headers(self) -> dict[str, str]:
        """Return the headers of every request. To be overridden."""
        return {"Accept-Language": self._lang}

    async def before_send(self, request: RequestDraft) -> Request | RequestDraft | None:
        """Change a request before it goes out; the draft may be edited in place. To be overridden."""
        return request

    async def after_send(self, response: Response) -> Response | None:
        """Inspect or replace a response. To be overridden."""
        return response

    @overload
    def collection(self, id_or_name: str) -> RecordService[Record]: ...
    @overload
    def collection(self, id_or_name: str, record_type: type[T]) -> RecordService[T]: ...
    def collection(self, id_or_name: str, record_type: type[Any] | None = None) -> RecordService[Any]:
        """Return the records of a collection, as dicts or as `record_type`; the same object while anybody holds it.

        `record_type` is a TypedDict, a dataclass, a pydantic model or a msgspec Struct.

        Raises:
            TypeError: `record_type` is none of these, or has a field that no record can fill.
        """
        key = (id_or_name, record_type)
        service = self._records.get(key)
        if service is None:
            decode = identity if record_type is None else make_decoder(record_type)
            service = self._records[key] = RecordService(
                self, self.auth_store, self.realtime, self._passwords, id_or_name, decode
            )
        return service

    @property
    def admins(self) -> RecordService[Record]:
        """The superusers."""
        return self.collection(SUPERUSERS)

    def build_url(self, path: str) -> str:
        """Return the absolute URL of a path on this server."""
        return self.base_url + custom_path(path)

    def filter(self, raw: str, params: Mapping[str, Any] | None = None, **keywords: Any) -> str:
        """Return a filter expression: `filter("title = {:title}", title="…")` puts values in safely.

        Raises:
            ValueError: a value is missing, or cannot be written so that every server from 0.23 on reads it alike.
        """
        return build_filter(raw, {**(params or {}), **keywords}, escapes=self.filter_escapes)

    async def send(self, path: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[SendOptions]) -> Any:
        """Call a custom route, and return its decoded JSON; None if the answer is empty."""
        return await self.execute(custom.send(path, parse_options(SendOptions, options, keywords)))

    def create_batch(self) -> Batch:
        """Return a queue of creates, updates, upserts and deletes that happen together or not at all."""
        return Batch(self, self.auth_store, self._passwords)

    def with_auth_store(self, store: AuthStore) -> Self:
        """Return a client for another user, with the same transport and middleware. Closing it closes no transport."""
        self._transport = self._open_transport()
        other = copy.copy(self)
        other._owns_transport = False
        other._serve(store, self.realtime.settings)
        return other

    async def execute(self, call: Call[T]) -> T:
        """Send a call through the middleware and parse its answer."""
        handle = self._handle if call.retries else chain(self._layers_for(call), self._send)
        return call.parse(await handle(self._complete(call)))

    @asynccontextmanager
    async def stream(self, call: Call[Any]) -> AsyncGenerator[StreamedResponse, None]:
        """Send a call through the middleware, which sees an empty body, and read the body as it comes.

        Raises:
            PocketBaseError: the answer is no success.
        """
        async with AsyncExitStack() as stack:
            opened: list[StreamedResponse] = []

            async def open_stream(request: Request) -> Response:
                started = asyncio.get_running_loop().time()
                await stack.aclose()  # an attempt that was no success
                opened.clear()
                streamed = await stack.enter_async_context(self._open_transport().stream(request))
                content = b""
                if 200 <= streamed.status_code < 300:
                    opened.append(streamed)
                else:
                    content = await read_error_body(request, streamed.status_code, streamed.aiter_bytes(), started)
                response = Response(streamed.status_code, streamed.headers, content, request.url, loads=self.json_loads)
                return reject_unrequested_part(request, response)

            response = raise_for_status(await chain(self._layers, open_stream)(self._complete(call)))
            yield opened[0] if opened else StreamingResponse.from_response(response)  # that of a middleware

    def events(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]:
        """Send a call through the middleware and read its answer as server-sent events, of this one connection."""
        return _events(self._layers_for(call), self._open_transport(), self._complete(call))

    async def aclose(self) -> None:
        """End realtime and renewals of tokens, and close the transport, but not a session that was handed to it."""
        try:
            await self.realtime.close()
            await self._auth.aclose()
            await self.auth_store.aclose()
        finally:
            if self._transport is not None and self._owns_transport:
                await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _complete(self, call: Call[Any]) -> Request:
        request = call.request
        own = self.headers()
        if own != self._own_headers[0]:
            self._own_headers = dict(own), Headers(own)
        headers = self._own_headers[1]
        return Request(
            request.method,
            self.base_url + request.url,
            request.params,
            headers | request.headers if request.headers else headers,
            request.body,
            request.files,
            self._timeout if call.default_timeout else request.timeout,
            self._json_dumps,
            self._max_response_bytes,
        )

    def _layers_for(self, call: Call[Any]) -> Sequence[Middleware]:
        return [layer for layer in self._layers if call.retries or not isinstance(layer, Retry)]

    def _open_transport(self) -> Transport:
        if self._transport is None:
            self._transport = find_transport()
        return self._transport

    async def _send(self, request: Request) -> Response:
        response = reject_unrequested_part(request, await self._open_transport().send(request))
        return response if self.json_loads is default_loads else response.replace(loads=self.json_loads)

    async def _refresh(self, token: str) -> None:
        users = self.collection(claims(token)["collectionId"])
        limit = REFRESH_TIMEOUT if self._timeout is None else min(self._timeout, REFRESH_TIMEOUT)
        await users.auth.refresh(headers={"Authorization": token}, timeout=limit)


@asynccontextmanager
async def _events(
    layers: Sequence[Middleware], transport: Transport, request: Request
) -> AsyncGenerator[AsyncIterator[ServerSentEvent], None]:
    async with AsyncExitStack() as stack:
        opened: list[AsyncIterator[ServerSentEvent]] = []
        refusals: list[tuple[Response, PocketBaseError]] = []

        async def open_events(request: Request) -> Response:
            await stack.aclose()  # of the attempt before
            opened.clear()
            refusals.clear()
            try:
                opened.append(await stack.enter_async_context(transport.events(request)))
            except PocketBaseError as error:
                if error.status < 300:
                    raise
                refusals.append((response_from_error(error), error))
                return refusals[0][0]
            return Response(200, url=request.url)

        response = await chain(layers, open_events)(request)
        for refusal, error in refusals:
            if refusal is response:
                raise error
        if not opened or not 200 <= response.status_code < 300:  # a middleware answered
            raise not_event_stream(response)
        yield opened[0]


def _check_url(url: str) -> str:
    if not isinstance(url, str):
        raise TypeError(f"a base URL must be text, not {type(url).__name__}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise ValueError(f"{url!r} is no base URL such as 'http://127.0.0.1:8090'")
    if parts.query or parts.fragment or parts.username is not None or parts.port == 0:
        raise ValueError("a base URL holds no query, no fragment, no user and no port 0")
    return f"{parts.scheme}://{parts.netloc}{custom_path(parts.path)}".rstrip("/")
