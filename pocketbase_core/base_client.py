"""The base of the asynchronous and the blocking client, with everything that sends nothing."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

from .assignments import Assignments
from .auth.store import AuthStore, name_user
from .calls.filters import build_filter
from .calls.options import check_max_response_bytes
from .calls.paths import check_base_url
from .calls.server_version import ESCAPES, parse_version
from .calls.timeout import check_timeout
from .concurrency.event_loops import start_lock
from .credentials import check_credentials, check_verify_every
from .messages import ClientOptions
from .messages.json_values import JsonDumps, JsonLoads, default_dumps, default_loads
from .middleware import Middleware, default_middleware
from .middleware.checks import check_middleware
from .peer_names import AnswersPeerNames
from .pipeline import Pipeline, Server, SharedTransport
from .ports import Transport
from .realtime.timing import RealtimeSettings
from .services.flows.password_confirmation import PasswordConfirmation
from .user import User

C = TypeVar("C")
M = TypeVar("M")


class BaseClient(Assignments, AnswersPeerNames, Generic[C, M]):
    """The state of a client, and its methods but for those that name the classes of one face.

    `C` is the type of credentials, `M` that of middleware.
    """

    filter_escapes = False
    """True if all servers of this client are 0.39.9 or newer; `filter` can then write any backslash.

    The parameter `server_version` sets it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport | None = None,
        auth_store: AuthStore | None = None,
        credentials: C | None = None,
        verify_every: float | None = 300.0,
        middleware: Sequence[M] | None = None,
        lang: str = "en-US",
        timeout: float | None = 30.0,
        max_response_bytes: int | None = 64 * 1024 * 1024,
        json_loads: JsonLoads = default_loads,
        json_dumps: JsonDumps = default_dumps,
        server_version: str | None = None,
    ) -> None:
        base_url = check_base_url(base_url)
        self._server_version = server_version
        self._server = Server(
            base_url=base_url,
            transport=SharedTransport(transport),
            timeout=check_timeout(timeout),
            client_options=ClientOptions(json_dumps, json_loads, check_max_response_bytes(max_response_bytes)),
            middleware=() if server_version is None else _middleware_for(server_version, base_url),
        )
        self._server_reads_escapes = True
        if server_version is not None:
            version = parse_version(server_version)
            self._server_reads_escapes = version >= ESCAPES[: len(version)]
            self.filter_escapes = self.filter_escapes or version >= ESCAPES
        self._lang = _check_lang(lang)
        self._middleware = default_middleware() if middleware is None else self._adapt(check_middleware(middleware))
        self._passwords = PasswordConfirmation()
        self._credentials: Any = None if credentials is None else check_credentials(credentials)
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

    @property
    def base_url(self) -> str:
        """The URL of the server, without a slash at its end."""
        return self._server.base_url

    @property
    def server_version(self) -> str | None:
        """The version of the server that was passed; None if the server is PocketBase 0.23 or newer of any version."""
        return self._server_version

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
                every server from 0.22 on reads it alike; or if `filter_escapes` is set, and the server is too old.
        """
        if self.filter_escapes and not self._server_reads_escapes:
            raise ValueError(
                f"filter_escapes requires PocketBase 0.39.9 or newer, but server_version is {self._server_version!r}"
            )
        if twice := (params or {}).keys() & keywords.keys():
            raise TypeError(f"values must be passed once, in the dict or by keyword: {', '.join(sorted(twice))}")
        return build_filter(raw, {**(params or {}), **keywords}, escapes=self.filter_escapes)

    def with_auth_store(self, store: AuthStore) -> Self:
        """Return a client for another user, with the same transport and middleware. Closing it closes no transport."""
        self._server.transport.get()
        other = self._copy()
        vars(other).update(_owns_transport=False, _credentials=None)  # credentials are those of one user
        other._user = other._make_user(store, self._user.realtime.settings)
        return other

    async def _close(self) -> None:
        """End realtime and token refreshes, and close the transport, but not a session that was given to it."""
        try:
            await self._user.aclose()
        finally:
            if self._owns_transport:
                await self._server.transport.aclose()

    def _make_user(self, store: AuthStore, realtime_settings: RealtimeSettings) -> User:
        sign_in = None if self._credentials is None else self._sign_in
        return User(
            self._server, store, self._make_middleware, self.headers, realtime_settings, self._verify_every, sign_in
        )

    async def _sign_in(self) -> None:
        signing_in: object = self._call_credentials()
        if not isinstance(signing_in, Awaitable):
            raise TypeError(
                f"credentials must be a coroutine function: async def sign_in(client), not {self._credentials!r}"
            )
        await signing_in

    def _call_credentials(self) -> object:
        return self._credentials(self) if self._credentials is not None else None

    def _make_middleware(self) -> list[Middleware]:
        return [*self._adapt(self._make_hooks()), *self._middleware]

    def _adapt(self, middleware: list[Middleware]) -> list[Middleware]:
        """Return the middleware as coroutine functions."""
        return middleware


def _middleware_for(server_version: str, base_url: str) -> tuple[Middleware, ...]:
    parse_version(server_version)
    with start_lock:
        from .middleware.legacy.server import server_middleware
    return (server_middleware(server_version, base_url),)


def _check_lang(lang: str) -> str:
    if not isinstance(lang, str):
        raise TypeError(f"lang must be text, such as 'en-US', not {type(lang).__name__}")
    return lang
