"""Submission of the topics on a connection.

Theory of operation
===================

The server takes the whole set of topics with each request and replaces the set that it had. It refuses a set as a
whole, without saying which topic it objects to, and it also refuses a set from another user than the connection's. So
a refusal of a set with new topics is followed by these requests:

1. The confirmed topics alone. If the server refuses them too, the refusal concerns the connection, and is raised.
2. The confirmed topics and half of the new ones, then those and the other half. A half that is refused is halved
   again, until each new topic is confirmed, or refused on its own: then its subscriptions end with the error.

One refused topic among n costs about 2 log n requests; n of them cost 2 n. Subscriptions may be added and ended
meanwhile: topics that are no longer wanted are left out, and added topics are part of the next submission.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..auth.store import sign_in_of
from ..calls.call import Call
from ..endpoints import realtime
from ..pipeline import Pipeline
from .connection import Connection
from .identity import SubmittedIdentity, has_changed
from .registry import SubscriptionRegistry
from .state import is_permanent_error
from .subscription import Subscription
from .user_session import UserSession


class Submitter:
    """Submits topics, confirms their subscriptions, and finds out which topics the server refuses.

    Args:
        pipeline: Sends the requests.
        registry: The wanted topics and those that the server has confirmed.
        session: The session of the signed-in user.
        on_refused: Called with the subscriptions of each topic that the server refuses, and the error.
        timeout: The limit for each request in seconds.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        registry: SubscriptionRegistry[Subscription],
        session: UserSession,
        on_refused: Callable[[Sequence[Subscription], Exception], None],
        timeout: float,
    ) -> None:
        self._pipeline = pipeline
        self._registry = registry
        self._session = session
        self._on_refused = on_refused
        self._timeout = timeout
        self.identity = SubmittedIdentity()
        """The identity of the last submission that the server has confirmed."""
        self.has_succeeded = False
        """True once the server has confirmed topics. From then on the manager tries again, and `Retry` must not."""

    @property
    def connect_call(self) -> Call[None]:
        """The call that opens a connection."""
        return self._call(realtime.connect(timeout=self._timeout))

    @property
    def needs_submission(self) -> bool:
        """True if the server does not know the present topics or the present token."""
        return self._registry.needs_submission or self._pipeline.auth_store.token != self.identity.token

    async def submit(self, connection: Connection) -> None:
        """Submit all topics.

        Raises:
            PocketBaseError: If the server refuses the connection, or cannot be reached.
        """
        identity = self._start(connection)
        new = self._registry.unconfirmed_topics
        try:
            await self._send(connection, self._registry.topics)
        except Exception as error:
            if not new or not self._concerns_topics(connection, error):
                raise
            await self._bisect(connection, new, error)
        self._finish(identity)

    async def submit_confirmed(self, connection: Connection) -> None:
        """Submit the topics that were confirmed before.

        Raises:
            PocketBaseError: If the server refuses the topics, or cannot be reached.
        """
        identity = self._start(connection)
        await self._send(connection, self._registry.confirmed_topics)
        self._finish(identity)

    def _start(self, connection: Connection) -> SubmittedIdentity:
        identity = SubmittedIdentity.from_store(self._pipeline.auth_store)
        connection.sign_in = identity.sign_in
        return identity

    def _finish(self, identity: SubmittedIdentity) -> None:
        """Note that the server has confirmed the topics.

        The request may have refreshed the token before it was sent. The server ties a connection to the user and not to
        the token, so a refreshed token of the same sign-in need not be submitted once more.
        """
        self.has_succeeded = True
        self._session.note_success()
        store = self._pipeline.auth_store
        token = store.token if sign_in_of(store) == identity.sign_in else identity.token
        self.identity = replace(identity, token=token, refresh_at=self._session.refresh_at(token))

    async def _bisect(self, connection: Connection, topics: Sequence[str], error: Exception) -> None:
        """Submit new topics that were refused together in halves, until each is confirmed or refused on its own."""
        if self._registry.confirmed_topics or len(topics) > 1:
            await self._send(connection, self._registry.confirmed_topics)  # raises if the connection is refused
        groups: list[tuple[Sequence[str], Exception | None]] = [(topics, error)]
        while groups:
            topics, refusal = groups.pop()
            wanted = [topic for topic in topics if topic in self._registry.unconfirmed_topics]
            if wanted and (refusal is None or len(wanted) < len(topics)):
                refusal = await self._try_topics(connection, wanted)
            if len(wanted) > 1 and refusal is not None:
                middle = len(wanted) // 2
                groups += [(wanted[middle:], None), (wanted[:middle], None)]
            elif wanted and refusal is not None:
                self._on_refused(self._registry.for_topic(wanted[0]), refusal)

    async def _try_topics(self, connection: Connection, topics: Sequence[str]) -> Exception | None:
        """Submit these topics with the confirmed ones. Return the server's refusal, or None."""
        try:
            await self._send(connection, [*self._registry.confirmed_topics, *topics])
        except Exception as error:
            if not self._concerns_topics(connection, error):
                raise
            return error
        return None

    async def _send(self, connection: Connection, topics: Sequence[str]) -> None:
        call = realtime.subscribe(connection.client_id, topics, timeout=self._timeout)
        await self._pipeline.execute(self._call(call))
        for subscription in self._registry.confirm(topics):
            subscription.confirm()

    def _call(self, call: Call[None]) -> Call[None]:
        return call.without_retries() if self.has_succeeded else call

    def _concerns_topics(self, connection: Connection, error: Exception) -> bool:
        """Return whether a topic may be the reason of an error: the server also refuses another user's submission."""
        return is_permanent_error(error) and not has_changed(connection.sign_in, self._pipeline.auth_store)
