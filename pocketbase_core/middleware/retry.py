"""Tries again what may be tried again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection

from ..errors import PocketBaseTransportError
from ..messages import Request, Response
from .chain import Handler
from .creates import find_create


class Retry:
    """Sends a request up to `attempts` times, within the request's own timeout for all of them together.

    Repeated are reads and deletes, and whatever the server certainly did not act on: a request that never left, or
    that was answered with 429. A create or update that may have arrived is not. Waits are random, up to `backoff`
    seconds before the second attempt and twice as much before each further one (full jitter), `max_delay` at the
    most; a Retry-After is kept to the second, and where it asks for more than `max_delay`, the answer is final.

    With `creates`, a create that may have arrived is repeated too, as is a batch that begins with one: this client
    then makes the ids of new records, 15 characters of a-z and 0-9, where the caller gave none. What a lost answer
    leaves open is read from the server. It is not for collections whose ids have another form.
    """

    def __init__(
        self,
        attempts: int = 3,
        backoff: float = 0.2,
        max_delay: float = 5.0,
        statuses: Collection[int] = (429, 502, 503, 504),
        *,
        creates: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts counts the first one too, so it starts at 1, not {attempts}")
        self._attempts = attempts
        self._backoff = backoff
        self._max_delay = max_delay
        self._statuses = frozenset(statuses)
        self._creates = creates
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        deadline = None if request.timeout is None else self._clock() + request.timeout
        create = find_create(request) if self._creates else None
        if create is None:
            return self._repeat(request, call_next, deadline)

        def repeat(request: Request, call_next: Handler) -> Awaitable[Response]:
            return self._repeat(self._within(request, deadline), call_next, deadline, harmless=True)

        return create.send(repeat, call_next)

    async def _repeat(
        self, request: Request, call_next: Handler, deadline: float | None, *, harmless: bool = False
    ) -> Response:
        attempt = 1
        while True:
            try:
                response = await call_next(request)
            except PocketBaseTransportError as error:
                delay = self._delay(request, error, attempt, deadline, harmless)
                if delay is None:
                    raise
            else:
                if response.status_code not in self._statuses:
                    return response
                delay = self._delay(request, response, attempt, deadline, harmless)
                if delay is None:
                    return response
            await self._sleep(delay)
            attempt += 1
            request = self._within(request, deadline)

    def _within(self, request: Request, deadline: float | None) -> Request:
        return request if deadline is None else request.replace(timeout=max(deadline - self._clock(), 0.001))

    def _delay(
        self,
        request: Request,
        outcome: Response | PocketBaseTransportError,
        attempt: int,
        deadline: float | None,
        harmless: bool,
    ) -> float | None:
        """Seconds to wait before the next attempt; None when this one was the last."""
        if attempt == self._attempts or not is_repeatable(request, outcome, harmless):
            return None
        asked = outcome.retry_after() if isinstance(outcome, Response) else None
        delay = self._jitter() * min(self._max_delay, self._backoff * 2 ** (attempt - 1)) if asked is None else asked
        if delay > self._max_delay or (deadline is not None and self._clock() + delay >= deadline):
            return None
        return delay


def is_repeatable(request: Request, outcome: Response | PocketBaseTransportError, harmless: bool) -> bool:
    """Whether sending the request again can do no harm."""
    if not all(file.replayable for _, file in request.files):
        return False
    harmless = harmless or request.method in ("GET", "HEAD", "OPTIONS", "DELETE")
    if isinstance(outcome, Response):
        return harmless or outcome.status_code == 429
    return harmless or outcome.request_sent is False
