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


class Subscriptions(Generic[L]):
    """The listeners of each topic, the live ones among them, and the topics that the server knows."""

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[L, ...]] = {}
        self._live: dict[L, None] = {}
        self._told: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics, which the server is to know."""
        return tuple(self._listeners)

    @property
    def are_due(self) -> bool:
        """True if the server knows other topics than these."""
        return self._listeners.keys() != self._told

    @property
    def all(self) -> list[L]:
        return [listener for listeners in self._listeners.values() for listener in listeners]

    @property
    def live(self) -> list[L]:
        """The listeners whose topic the server has confirmed at some time."""
        return [*self._live]

    @property
    def pending(self) -> list[L]:
        """The listeners whose topic the server has not confirmed yet."""
        return [listener for listener in self.all if listener not in self._live]

    @property
    def live_topics(self) -> tuple[str, ...]:
        """The topics of live listeners."""
        return tuple(dict.fromkeys(listener.topic for listener in self._live))

    @property
    def new_topics(self) -> tuple[str, ...]:
        """The topics that only pending listeners want."""
        live = {*self.live_topics}
        return tuple(topic for topic in self._listeners if topic not in live)

    def of(self, topic: str) -> Sequence[L]:
        return self._listeners.get(topic, ())

    def add(self, listener: L) -> bool:
        """Add a listener. Return whether it is live at once, as the server knows its topic.

        Raises:
            ValueError: If the listener's topic is one too many.
        """
        if listener.topic not in self._listeners and len(self._listeners) >= MAX_TOPICS:
            raise ValueError(f"a connection takes at most {MAX_TOPICS} topics")
        self._listeners[listener.topic] = (*self.of(listener.topic), listener)
        if listener.topic not in self._told:
            return False
        self._live[listener] = None
        return True

    def discard(self, listener: L) -> None:
        self._live.pop(listener, None)
        rest = tuple(other for other in self.of(listener.topic) if other is not listener)
        if rest:
            self._listeners[listener.topic] = rest
        else:
            self._listeners.pop(listener.topic, None)

    def told(self, topics: Iterable[str]) -> list[L]:
        """Note that the server has confirmed exactly these topics. Return the listeners that are live by that."""
        self._told = frozenset(topics)
        fresh = [listener for listener in self.pending if listener.topic in self._told]
        self._live.update(dict.fromkeys(fresh))
        return fresh

    def forgotten(self) -> None:
        """Note that the connection is lost, and with it all that the server knew."""
        self._told = frozenset()
