"""Calls that take several requests."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from ...auth.store import needs_loading
from ...auth.token import is_same_user
from ...calls.call import Call
from ...calls.options import Options
from ...calls.timeout import Timeout
from ...concurrency.event_loops import running_loop
from ...errors import PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ...messages import ServerSentEvent
from ...pipeline import Pipeline
from ...ports import StreamedResponse

T = TypeVar("T")


class BoundPipeline:
    """A pipeline for the requests of one call, which are sent as the user who made the call.

    Each request has the headers and the timeout of the call's options. A timeout that the caller gave limits all
    requests together, or with `each` every single one; the client's timeout limits every single one. All requests use
    the auth store that the client had when the call began. Once another user has signed in to that store, or the user
    has signed out, each method raises PocketBaseUnauthorizedError and sends nothing. A call with an Authorization
    header of its own is sent whoever is signed in.
    """

    def __init__(self, pipeline: Pipeline, options: Options, *, each: bool = False) -> None:
        loop = running_loop()
        self._pipeline = pipeline.snapshot()
        self._options = options
        self.auth_store = pipeline.auth_store
        """The store of the user who made the call."""
        self._token = self.auth_store.token
        self._is_for_anyone = pipeline.has_credentials or needs_loading(self.auth_store)
        """True if a call that began without a user gets one before its first request is sent."""
        self._ends_at: float | None = None
        if isinstance(options.timeout, float) and not each:
            self._ends_at = loop.time() + options.timeout

    @property
    def optional_user(self) -> dict[str, str]:
        """The headers of a request that is a guest's if the user's token has expired."""
        return {} if "Authorization" in self._options.headers else {"Authorization": ""}

    async def execute(self, call: Call[T]) -> T:
        """Send a request as `Pipeline.execute` does."""
        return await self._pipeline.execute(self._bind(call))

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a stream as `Pipeline.stream` does."""
        return self._pipeline.stream(self._bind(call))

    def events(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]:
        """Open a stream of events as `Pipeline.events` does."""
        return self._pipeline.events(self._bind(call))

    def build_url(self, path: str) -> str:
        """Return an absolute URL as `Pipeline.build_url` does."""
        return self._pipeline.build_url(path)

    def _bind(self, call: Call[T]) -> Call[T]:
        """Return the call with the headers of the options and the time that remains.

        Raises:
            PocketBaseUnauthorizedError: If the user of the first request is no longer signed in.
            PocketBaseTimeoutError: If no time remains.
        """
        options, request, token = self._options, call.request, self.auth_store.token
        if self._is_for_anyone and not self._token:
            self._token = token
        if "Authorization" not in options.headers and not is_same_user(self._token, token):
            message = "the user who made this call is no longer signed in; the rest of the call was not sent"
            raise PocketBaseUnauthorizedError(self.build_url(request.url), 401, message=message)
        if options.headers:
            request = request.replace(headers=options.headers | request.headers)
        return call._replace(request=request, timeout=self._remaining(request.url))

    def _remaining(self, path: str) -> Timeout:
        """Return the seconds that remain for the next request."""
        if self._ends_at is None:
            return self._options.timeout
        remaining = self._ends_at - running_loop().time()
        if remaining <= 0:
            message = f"the call did not end within {self._options.timeout:g} s"
            raise PocketBaseTimeoutError(self.build_url(path), message=message, request_sent=False)
        return remaining
