"""The wanted topics and those that the server has confirmed: state without a connection or a clock."""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from ..endpoints.realtime import CONNECT_TOPIC

MAX_TOPICS = 1000
"""How many topics the server accepts for one connection."""


class HasTopic(Protocol):
    """Anything that is subscribed to a topic."""

    @property
    def topic(self) -> str:
        """The topic with its options."""
        ...


S = TypeVar("S", bound=HasTopic)


class SubscriptionRegistry(Generic[S]):
    """The subscriptions of each topic, the confirmed ones among them, and the topics that the server knows.

    `CONNECT_TOPIC` is never submitted: the server knows it as soon as it has confirmed any submission, even an empty
    one.
    """

    def __init__(self) -> None:
        self._by_topic: dict[str, tuple[S, ...]] = {}
        self._confirmed: dict[S, None] = {}
        self._server_topics: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._by_topic)

    @property
    def topics(self) -> tuple[str, ...]:
        """All wanted topics that are submitted, in the order in which they were added."""
        return tuple(topic for topic in self._by_topic if topic != CONNECT_TOPIC)

    @property
    def needs_submission(self) -> bool:
        """True if the server knows other topics than the wanted ones."""
        return frozenset((CONNECT_TOPIC, *self._by_topic)) != self._server_topics

    @property
    def all(self) -> list[S]:
        """All subscriptions."""
        return [subscription for subscriptions in self._by_topic.values() for subscription in subscriptions]

    @property
    def confirmed(self) -> list[S]:
        """The subscriptions whose topic the server has confirmed, on this connection or an earlier one."""
        return [*self._confirmed]

    @property
    def pending(self) -> list[S]:
        """The subscriptions whose topic the server has never confirmed."""
        return [subscription for subscription in self.all if subscription not in self._confirmed]

    @property
    def confirmed_topics(self) -> tuple[str, ...]:
        """The submitted topics of the confirmed subscriptions."""
        topics = dict.fromkeys(subscription.topic for subscription in self._confirmed)
        return tuple(topic for topic in topics if topic != CONNECT_TOPIC)

    @property
    def unconfirmed_topics(self) -> tuple[str, ...]:
        """The submitted topics that only pending subscriptions want."""
        confirmed = {*self.confirmed_topics}
        return tuple(topic for topic in self.topics if topic not in confirmed)

    def for_topic(self, topic: str) -> Sequence[S]:
        """Return the subscriptions of a topic, pending ones too."""
        return self._by_topic.get(topic, ())

    def add(self, subscription: S) -> bool:
        """Add a subscription. Return whether it is confirmed at once, because the server knows its topic.

        Raises:
            ValueError: If the topic would be one more than `MAX_TOPICS`.
        """
        topic = subscription.topic
        if topic != CONNECT_TOPIC and topic not in self._by_topic and len(self.topics) >= MAX_TOPICS:
            raise ValueError(f"a connection takes at most {MAX_TOPICS} topics")
        self._by_topic[topic] = (*self.for_topic(topic), subscription)
        if topic not in self._server_topics:
            return False
        self._confirmed[subscription] = None
        return True

    def discard(self, subscription: S) -> None:
        """Remove a subscription, if it is there."""
        self._confirmed.pop(subscription, None)
        others = tuple(other for other in self.for_topic(subscription.topic) if other is not subscription)
        if others:
            self._by_topic[subscription.topic] = others
        else:
            self._by_topic.pop(subscription.topic, None)

    def confirm(self, topics: Iterable[str]) -> list[S]:
        """Note that the server has confirmed exactly these topics. Return the subscriptions that this confirms."""
        self._server_topics = frozenset((CONNECT_TOPIC, *topics))
        newly_confirmed = [subscription for subscription in self.pending if subscription.topic in self._server_topics]
        self._confirmed.update(dict.fromkeys(newly_confirmed))
        return newly_confirmed

    def reset(self) -> None:
        """Note that the server knows no topic any more, because the connection is lost."""
        self._server_topics = frozenset()
