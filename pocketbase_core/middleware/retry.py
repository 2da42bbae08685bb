"""Middleware that sends a request again after a failure."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection

from ..backoff import full_jitter
from ..endpoints.idempotent_create import as_idempotent_create
from ..errors import PocketBaseTransportError
from ..messages import Request, Response
from .chain import Handler
from .idempotent_create import CreateRetry
from .idempotent_delete import resolve_repeated_delete
from .quota import CAPACITY, INCREMENT, RetryQuota


class Retry:
    """Middleware that sends a request up to `attempts` times, all of them within the request's own timeout.

    Reads and deletes are repeated. So is every request that the server certainly did not process: one that was never
    sent, or one whose response is 429. A create or update that the server may have processed is not repeated.

    Before each further attempt there is a random wait (exponential back-off with full jitter). A Retry-After header
    takes its place; if the header asks for more than `max_delay`, the response is final.

    A delete may find nothing when it is repeated after its response was lost: that is a success. A 404 of the first
    attempt remains a 404.

    One `Retry` has one quota, which the clients of `with_auth_store` share, as they have the same server. Clients of
    different servers should have a `Retry` each.

    Args:
        attempts: The number of attempts, including the first one.
        backoff: The longest wait before the second attempt, in seconds. It doubles before each further attempt.
        max_delay: The longest wait before any attempt, in seconds.
        statuses: The statuses of responses after which a request is repeated.
        creates: Whether to repeat a create that the server may have processed, and a batch that begins with one. The
            client then generates the ids of new records, 15 characters of a-z and 0-9, where the caller gave none, and
            reads from the server what a lost response leaves open. This is not for collections whose ids have another
            form, nor for records that are deleted soon after they were created. A batch that adds to stored values
            (`n+`, `docs+`) or uploads files to existing records is not repeated: see `endpoints/idempotent_create.py`.
        quota: The number of tokens for the retries of all calls together, so that a server that is down does not get
            three times the requests. A retry costs 5 tokens, or 10 after a timeout. A success returns the cost of its
            last retry, or 1 if it needed none. A call that is cancelled returns the cost of a retry that was not sent.
            If too few tokens are left, an outcome is final. None is no limit. The numbers are those of botocore's
            standard retry mode: see `quota.py`.
        clock: Returns the seconds of a monotonic clock.
        sleep: Waits for some seconds.
        jitter: Returns a random number from 0 to 1.

    Raises:
        ValueError: If `attempts` or `quota` is less than 1.
    """

    def __init__(
        self,
        attempts: int = 3,
        backoff: float = 0.2,
        max_delay: float = 5.0,
        statuses: Collection[int] = (429, 502, 503, 504),
        *,
        creates: bool = False,
        quota: int | None = CAPACITY,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts includes the first attempt, so it starts at 1, not {attempts}")
        if quota is not None and quota < 1:
            raise ValueError(f"quota must be above 0, not {quota}; None is no limit, attempts=1 no retry")
        self._attempts = attempts
        self._backoff = backoff
        self._max_delay = max_delay
        self._statuses = frozenset(statuses)
        self._creates = creates
        self._quota = None if quota is None else RetryQuota(quota)
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Send the request until an outcome is final, and return its response, whatever the status.

        Raises:
            PocketBaseTransportError: If the last attempt had no response.
        """
        deadline = None if request.timeout is None else self._clock() + request.timeout
        create = as_idempotent_create(request) if self._creates else None
        if create is None:
            return self._send_with_retries(request, call_next, deadline)

        def resend(request: Request, call_next: Handler) -> Awaitable[Response]:
            request = self._with_remaining_time(request, deadline)
            return self._send_with_retries(request, call_next, deadline, idempotent=True)

        return CreateRetry(create, resend, call_next).send()

    async def _send_with_retries(
        self, request: Request, call_next: Handler, deadline: float | None, *, idempotent: bool = False
    ) -> Response:
        attempt, cost, may_have_succeeded = 1, INCREMENT, False
        while True:
            try:
                response = await call_next(request)
            except PocketBaseTransportError as error:
                retry = self._plan_retry(request, error, attempt, deadline, idempotent)
                if retry is None:
                    raise
                may_have_succeeded |= error.request_sent is not False
            else:
                if response.status_code not in self._statuses:
                    if may_have_succeeded and request.method == "DELETE":
                        request = self._with_remaining_time(request, deadline)
                        response = await resolve_repeated_delete(request, response, call_next)
                    if self._quota is not None and self._quota.spent and 200 <= response.status_code < 300:
                        self._quota.release(cost)
                    return response
                retry = self._plan_retry(request, response, attempt, deadline, idempotent)
                if retry is None:
                    return response
                may_have_succeeded |= response.status_code >= 500
            delay, cost = retry
            await self._wait(delay, cost)
            attempt += 1
            request = self._with_remaining_time(request, deadline)

    async def _wait(self, delay: float, cost: int) -> None:
        try:
            await self._sleep(delay)
        except BaseException:
            if self._quota is not None:
                self._quota.release(cost)  # of a retry that is not sent
            raise

    def _with_remaining_time(self, request: Request, deadline: float | None) -> Request:
        return request if deadline is None else request.replace(timeout=max(deadline - self._clock(), 0.001))

    def _plan_retry(
        self,
        request: Request,
        outcome: Response | PocketBaseTransportError,
        attempt: int,
        deadline: float | None,
        idempotent: bool,
    ) -> tuple[float, int] | None:
        """Return the wait before the next attempt in seconds, and its cost; None if this attempt was the last."""
        if attempt == self._attempts or not is_retryable(request, outcome, idempotent):
            return None
        delay = outcome.retry_after() if isinstance(outcome, Response) else None
        if delay is None:
            delay = full_jitter(attempt - 1, self._backoff, self._max_delay, self._jitter())
        if delay > self._max_delay or (deadline is not None and self._clock() + delay >= deadline):
            return None
        if self._quota is None:
            return delay, 0
        cost = self._quota.acquire(outcome)
        return (delay, cost) if cost else None


def is_retryable(request: Request, outcome: Response | PocketBaseTransportError, idempotent: bool) -> bool:
    """Return whether sending the request again does no harm.

    Args:
        request: The request.
        outcome: The outcome of its last attempt.
        idempotent: Whether the request is idempotent, whatever its method.
    """
    if not all(source.replayable for source in request.sources):
        return False
    idempotent = idempotent or request.method in ("GET", "HEAD", "OPTIONS", "DELETE")
    if isinstance(outcome, Response):
        return idempotent or outcome.status_code == 429
    return idempotent or outcome.request_sent is False
