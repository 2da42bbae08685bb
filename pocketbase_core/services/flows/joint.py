"""Calls that take several requests."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from ...auth.token import is_same_user
from ...calls.call import Call, Executor
from ...calls.options import Options
from ...concurrency.event_loops import running_loop
from ...errors import PocketBaseTimeoutError, PocketBaseUnauthorizedError
from ...messages import ServerSentEvent
from ...ports import StreamedResponse

T = TypeVar("T")


class Joint:
    """The requests of one call: sent as the user who made it, with the headers and the timeout of its options.

    A timeout that the caller gave is for all requests together, or with `each` for each of them; the client's is for
    each of them. Once another user has signed in, or nobody is signed in any more, nothing more is sent: each of the
    methods raises PocketBaseUnauthorizedError. A call that brings its own Authorization has no such user.
    """

    def __init__(self, executor: Executor, options: Options, *, each: bool = False) -> None:
        self._executor = executor
        self._options = options
        self._token = executor.auth_store.token
        self._ends_at: float | None = None
        if options.timeout is not None and not each:
            self._ends_at = running_loop().time() + options.timeout

    async def execute(self, call: Call[T]) -> T:
        """Send a request as `PocketBase.execute` does."""
        return await self._executor.execute(self._of(call))

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a stream as `PocketBase.stream` does."""
        return self._executor.stream(self._of(call))

    def events(self, call: Call[Any]) -> AbstractAsyncContextManager[AsyncIterator[ServerSentEvent]]:
        """Open a stream of events as `PocketBase.events` does."""
        return self._executor.events(self._of(call))

    def build_url(self, path: str) -> str:
        """Return an absolute URL as `PocketBase.build_url` does."""
        return self._executor.build_url(path)

    def _of(self, call: Call[T]) -> Call[T]:
        """Return the call as it is to be sent now.

        Raises:
            PocketBaseUnauthorizedError: the user of the first request is not signed in any more.
            PocketBaseTimeoutError: no time is left.
        """
        options, request = self._options, call.request
        if "Authorization" not in options.headers and not is_same_user(self._token, self._executor.auth_store.token):
            message = "another user is signed in than when this call began, or nobody; no more of it was sent"
            raise PocketBaseUnauthorizedError(self.build_url(request.url), 401, message=message)
        if options.headers:
            request = request.replace(headers=options.headers | request.headers)
        if options.default_timeout:
            return call._replace(request=request)
        return call._replace(request=request.replace(timeout=self._left(request.url)), default_timeout=False)

    def _left(self, path: str) -> float | None:
        """Return the seconds that are left for the next request; None is no limit."""
        if self._ends_at is None:
            return self._options.timeout
        left = self._ends_at - running_loop().time()
        if left <= 0:
            message = f"the call did not end within {self._options.timeout:g} s"
            raise PocketBaseTimeoutError(self.build_url(path), message=message, request_sent=False)
        return left
