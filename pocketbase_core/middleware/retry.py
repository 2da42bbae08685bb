"""Requests that are sent again after a failure."""

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
from .idempotent_delete import settled
from .quota import CAPACITY, INCREMENT, RetryQuota


class Retry:
    """Sends a request up to `attempts` times, within the request's own timeout for all of them together.

    Repeated are reads and deletes, and whatever the server certainly did not act on: a request that never left, or
    that was answered with 429. A create or update that may have arrived is not. Waits are random, up to `backoff`
    seconds before the second attempt and twice as much before each further one (full jitter), `max_delay` at the
    most; a Retry-After is kept to the second, and where it asks for more than `max_delay`, the answer is final.

    A delete that is repeated after its answer was lost, and then finds nothing, is a success. A 404 of the first
    attempt stays one.

    With `creates`, a create that may have arrived is repeated too, as is a batch that begins with one: this client
    then makes the ids of new records, 15 characters of a-z and 0-9, where the caller gave none. What a lost answer
    leaves open is read from the server. It is not for collections whose ids have another form, nor for records that
    are deleted right after they were made. A batch that adds to what is stored (`n+`, `docs+`) or uploads files to
    records that exist is not repeated: see `endpoints/idempotent_create.py`.

    `quota` bounds the retries of all calls together, so that a server that is down is not asked three times for each
    of them. It is a number of tokens: a retry costs 5, or 10 after a timeout. A success gives back what its last retry
    cost, or 1 if it needed none; a call that is cancelled gives back the cost of a retry that was not sent yet. When
    too few are left, an outcome is final. None is no limit. The numbers, 500 tokens among them, are those of
    botocore's standard retry mode: see `quota.py`. One `Retry` has one quota: light clients share it, as their server
    is the same; clients of different servers should have a `Retry` each.
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
            raise ValueError(f"attempts counts the first one too, so it starts at 1, not {attempts}")
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
        deadline = None if request.timeout is None else self._clock() + request.timeout
        create = as_idempotent_create(request) if self._creates else None
        if create is None:
            return self._send_with_retries(request, call_next, deadline)

        def repeat(request: Request, call_next: Handler) -> Awaitable[Response]:
            return self._send_with_retries(
                self._with_remaining_time(request, deadline), call_next, deadline, harmless=True
            )

        return CreateRetry(create).send(repeat, call_next)

    async def _send_with_retries(
        self, request: Request, call_next: Handler, deadline: float | None, *, harmless: bool = False
    ) -> Response:
        attempt, cost, in_doubt = 1, INCREMENT, False
        while True:
            try:
                response = await call_next(request)
            except PocketBaseTransportError as error:
                retry = self._retry(request, error, attempt, deadline, harmless)
                if retry is None:
                    raise
                in_doubt |= error.request_sent is not False
            else:
                if response.status_code not in self._statuses:
                    if in_doubt and request.method == "DELETE":
                        response = await settled(self._with_remaining_time(request, deadline), response, call_next)
                    if self._quota is not None and self._quota.spent and 200 <= response.status_code < 300:
                        self._quota.release(cost)
                    return response
                retry = self._retry(request, response, attempt, deadline, harmless)
                if retry is None:
                    return response
                in_doubt |= response.status_code >= 500
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

    def _retry(
        self,
        request: Request,
        outcome: Response | PocketBaseTransportError,
        attempt: int,
        deadline: float | None,
        harmless: bool,
    ) -> tuple[float, int] | None:
        """Return the seconds to wait before the next attempt, and its cost; None when this attempt was the last."""
        if attempt == self._attempts or not is_retryable(request, outcome, harmless):
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
    """Return whether sending the request again can do no harm."""
    if not all(file.replayable for _, file in request.files):
        return False
    idempotent = idempotent or request.method in ("GET", "HEAD", "OPTIONS", "DELETE")
    if isinstance(outcome, Response):
        return idempotent or outcome.status_code == 429
    return idempotent or outcome.request_sent is False
