"""The topics that a live query is subscribed to: that of its collection, and those of related ones."""

from collections.abc import Iterable

from ..endpoints.realtime import encode_topic
from ..messages.json_values import JsonLoads
from ..realtime.event_queue import Gap
from ..realtime.service import Realtime
from ..realtime.subscription import Subscription, decode_message
from .events import EventNotes
from .plan import Plan
from .relations import Related


class _TopicSubscription(Subscription):
    """A subscription that hands on each message when it arrives, so that there is no queue."""

    is_listed = False

    def __init__(self, topic: str, loads: JsonLoads, related: Related, events: EventNotes) -> None:
        super().__init__(topic)
        self._loads = loads
        self._related = related
        self._events = events

    def deliver(self, item: str | Gap) -> None:
        if isinstance(item, Gap):
            self._events.note_gap()
        else:
            self._events.note_event(self._related, decode_message(self._loads, item))

    def note_loss(self) -> None:
        self._events.note_loss()

    def end(self, error: Exception | None) -> None:
        was_confirmed = self.confirmed.done()  # else `add` raises the error
        super().end(error)
        if was_confirmed and error is not None:  # else the live query itself has ended the subscription
            self._events.note_end(error)

    def stop(self) -> None: ...


class Topics:
    """The subscriptions of one live query.

    Args:
        plan: Has the options of the topics.
        realtime: Has the connection.
        loads: Decodes JSON.
        events: Takes note of the events.
    """

    def __init__(self, plan: Plan, realtime: Realtime, loads: JsonLoads, events: EventNotes) -> None:
        self._plan = plan
        self._realtime = realtime
        self._loads = loads
        self._events = events
        self._subscriptions: dict[Related, Subscription] = {}

    async def add(self, collections: Iterable[Related]) -> bool:
        """Subscribe to the changes of collections, unless that was done before.

        Returns:
            True if there was a new one, whose changes before now have caused no event.

        Raises:
            PocketBaseError: If the server does not confirm the topics; see `Realtime.subscribe`.
        """
        new: dict[Related, Subscription] = {}
        for each in {*collections} - self._subscriptions.keys():
            topic = encode_topic(*self._plan.topic(*each))
            new[each] = _TopicSubscription(topic, self._loads, each, self._events)
        if not new:
            return False
        await self._realtime.start([*new.values()], self._plan.options)
        self._subscriptions |= new
        return True

    async def close(self) -> None:
        """End all subscriptions."""
        subscriptions = [*self._subscriptions.values()]
        self._subscriptions.clear()
        if subscriptions:
            await self._realtime.stop(subscriptions)
