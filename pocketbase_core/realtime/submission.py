"""Submission of the topics of a connection."""

import asyncio
from collections.abc import Callable, Sequence

from ..auth.store import AuthStore
from ..calls.call import Call
from ..endpoints import realtime
from ..pipeline import Pipeline
from .connection import Connection
from .identity import SubmittedIdentity, has_changed, is_permanent_error
from .registry import SubscriptionRegistry
from .subscription import Subscription
from .verification import TokenVerification


class Submitter:
    """Submits topics, confirms their listeners, and finds out which topics the server refuses.

    The server takes the whole set at once and refuses it as a whole. `refuse` is called with the listeners of each
    topic that it refuses on its own.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        store: AuthStore,
        subscriptions: SubscriptionRegistry[Subscription],
        verification: TokenVerification,
        refuse: Callable[[Sequence[Subscription], Exception], None],
        timeout: float,
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._registry = subscriptions
        self._verification = verification
        self._on_refused = refuse
        self._timeout = timeout
        self.has_succeeded = False
        """True once the server has confirmed topics. From then on the driver tries again, and `Retry` must not."""

    @property
    def connect_call(self) -> Call[None]:
        """The call that opens a connection."""
        return self._call(realtime.connect(timeout=self._timeout))

    async def submit(self, line: Connection) -> SubmittedIdentity:
        """Submit all topics.

        Raises:
            PocketBaseError: If the server refuses the connection, or cannot be reached.
        """
        told = self._start(line)
        new = self._registry.unconfirmed_topics
        try:
            await self._send(line, self._registry.topics)
        except Exception as error:
            if not new or not self._concerns_topics(line, error):
                raise
            await self._bisect(line, new, error)
        return self._confirm(told)

    async def submit_confirmed(self, line: Connection) -> SubmittedIdentity:
        """Submit the topics that were confirmed before. Raises as `submit` does."""
        told = self._start(line)
        await self._send(line, self._registry.confirmed_topics)
        return self._confirm(told)

    def _start(self, line: Connection) -> SubmittedIdentity:
        told = SubmittedIdentity.from_store(self._store)
        line.sign_in = told.sign_in
        if told.has_expired:
            self._verification.report(told.token, "the token has expired")
        return told

    def _confirm(self, told: SubmittedIdentity) -> SubmittedIdentity:
        if told.token and not told.has_expired:
            self._verification.check_soon()
        self.has_succeeded = True
        return told.with_refresh_time(self._store, asyncio.get_running_loop().time())

    async def _bisect(self, line: Connection, topics: Sequence[str], error: Exception) -> None:
        """Submit new topics that were refused together in halves, until each one is confirmed or refused on its own.

        One refused topic among n costs about 2 log n requests; n of them cost 2 n.
        """
        if self._registry.confirmed_topics or len(topics) > 1:
            await self._send(line, self._registry.confirmed_topics)  # raises if the server refuses the connection
        groups: list[tuple[Sequence[str], Exception | None]] = [(topics, error)]
        while groups:
            topics, refusal = groups.pop()
            wanted = [topic for topic in topics if topic in self._registry.unconfirmed_topics]
            if wanted and (refusal is None or len(wanted) < len(topics)):
                refusal = await self._attempt(line, wanted)
            if len(wanted) > 1 and refusal is not None:
                middle = len(wanted) // 2
                groups += [(wanted[middle:], None), (wanted[:middle], None)]
            elif wanted and refusal is not None:
                self._on_refused(self._registry.for_topic(wanted[0]), refusal)

    async def _attempt(self, line: Connection, topics: Sequence[str]) -> Exception | None:
        """Submit these topics with the live ones. Return the server's refusal, or None."""
        try:
            await self._send(line, [*self._registry.confirmed_topics, *topics])
        except Exception as error:
            if not self._concerns_topics(line, error):
                raise
            return error
        return None

    async def _send(self, line: Connection, topics: Sequence[str]) -> None:
        await self._pipeline.execute(self._call(realtime.subscribe(line.client_id, topics, timeout=self._timeout)))
        for listener in self._registry.confirm(topics):
            listener.confirm()

    def _call(self, call: Call[None]) -> Call[None]:
        return call.without_retries() if self.has_succeeded else call

    def _concerns_topics(self, line: Connection, error: Exception) -> bool:
        """Return whether a topic may be the reason of an error: the server also refuses another user's submission."""
        return is_permanent_error(error) and not has_changed(line.sign_in, self._store)
