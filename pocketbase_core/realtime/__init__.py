"""Realtime: subscriptions that outlast the connections that carry them."""

from .event_queue import Gap
from .service import Realtime
from .subscription import EventStream
from .timing import RealtimeSettings

__all__ = ["EventStream", "Gap", "Realtime", "RealtimeSettings"]
