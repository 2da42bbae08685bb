"""The wanted topics, and those that the server was told: state, without a connection or a clock."""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

MAX_TOPICS = 1000
"""The most topics that a server takes for one connection."""


class HasTopic(Protocol):
    """Anything that wants a topic's events."""

    @property
    def topic(self) -> str: ...


L = TypeVar("L", bound=HasTopic)


class SubscriptionRegistry(Generic[L]):
    """The listeners of each topic, the live ones among them, and the topics that the server knows."""

    def __init__(self) -> None:
        self._by_topic: dict[str, tuple[L, ...]] = {}
        self._confirmed: dict[L, None] = {}
        self._server_topics: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._by_topic)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics, which the server is to know."""
        return tuple(self._by_topic)

    @property
    def needs_submission(self) -> bool:
        """True if the server knows other topics than these."""
        return self._by_topic.keys() != self._server_topics

    @property
    def all(self) -> list[L]:
        return [listener for listeners in self._by_topic.values() for listener in listeners]

    @property
    def confirmed(self) -> list[L]:
        """The listeners whose topic the server has confirmed at some time."""
        return [*self._confirmed]

    @property
    def pending(self) -> list[L]:
        """The listeners whose topic the server has not confirmed yet."""
        return [listener for listener in self.all if listener not in self._confirmed]

    @property
    def confirmed_topics(self) -> tuple[str, ...]:
        """The topics of live listeners."""
        return tuple(dict.fromkeys(listener.topic for listener in self._confirmed))

    @property
    def unconfirmed_topics(self) -> tuple[str, ...]:
        """The topics that only pending listeners want."""
        live = {*self.confirmed_topics}
        return tuple(topic for topic in self._by_topic if topic not in live)

    def for_topic(self, topic: str) -> Sequence[L]:
        return self._by_topic.get(topic, ())

    def add(self, listener: L) -> bool:
        """Add a listener. Return whether it is live at once, as the server knows its topic.

        Raises:
            ValueError: If the listener's topic is one too many.
        """
        if listener.topic not in self._by_topic and len(self._by_topic) >= MAX_TOPICS:
            raise ValueError(f"a connection takes at most {MAX_TOPICS} topics")
        self._by_topic[listener.topic] = (*self.for_topic(listener.topic), listener)
        if listener.topic not in self._server_topics:
            return False
        self._confirmed[listener] = None
        return True

    def discard(self, listener: L) -> None:
        self._confirmed.pop(listener, None)
        rest = tuple(other for other in self.for_topic(listener.topic) if other is not listener)
        if rest:
            self._by_topic[listener.topic] = rest
        else:
            self._by_topic.pop(listener.topic, None)

    def confirm(self, topics: Iterable[str]) -> list[L]:
        """Note that the server has confirmed exactly these topics. Return the listeners that are live by that."""
        self._server_topics = frozenset(topics)
        fresh = [listener for listener in self.pending if listener.topic in self._server_topics]
        self._confirmed.update(dict.fromkeys(fresh))
        return fresh

    def reset(self) -> None:
        """Note that the connection is lost, and with it all that the server knew."""
        self._server_topics = frozenset()
