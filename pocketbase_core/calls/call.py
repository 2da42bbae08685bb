"""One call to the API, as a value."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..auth.store import AuthStore
from ..messages import Request, Response, ServerSentEvent
from ..messages.json_values import JsonLoads
from ..ports import StreamedResponse

S = TypeVar("S")


T = TypeVar("T")


class Call(NamedTuple, Generic[T]):
    """A request, its URL still relative to the server, and the parser of its answer.

    With `default_timeout`, the client's takes the place of the request's. Without `repeats`, `Retry` is left out.
    """

    request: Request
    parse: Callable[[Response], T]
    default_timeout: bool = True
    retries: bool = True

    def with_parser(self, parse: Callable[[Response], S]) -> "Call[S]":
        """The same request, its answer parsed in another way."""
        return Call(self.request, parse, self.default_timeout, self.retries)

    def without_retries(self) -> "Call[T]":
        """Return the same call for a caller that has its own way of trying again."""
        return self._replace(retries=False)


class Executor(Protocol):
    """The client, as far as services need it to send calls."""

    @property
    def json_loads(self) -> JsonLoads: ...
    @property
    def auth_store(self) -> AuthStore: ...
    async def execute(self, call: Call[T]) -> T: ...
    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[StreamedResponse]: ...
    def events(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]: ...
    def build_url(self, path: str) -> str: ...
    def with_auth_store(self, store: AuthStore) -> Any: ...
