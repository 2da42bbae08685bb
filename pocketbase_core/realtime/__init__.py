"""Subscriptions that outlive their connections."""

from .handle import Realtime
from .inbox import Gap
from .listeners import EventStream
from .schedule import RealtimeSettings

__all__ = ["EventStream", "Gap", "Realtime", "RealtimeSettings"]
