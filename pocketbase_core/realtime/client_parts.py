"""The parts of a client that its realtime connections use."""

from collections.abc import Callable
from typing import NamedTuple

from ..middleware.token_provider import TokenProvider
from ..pipeline import Pipeline
from .callbacks import RealtimeCallbacks


class ClientParts(NamedTuple):
    """The parts of a client that its realtime connections use."""

    pipeline: Pipeline
    """The pipeline that sends the requests."""
    tokens: Callable[[], TokenProvider]
    """A function that returns the provider of the store's tokens, which is another one for another store."""
    callbacks: RealtimeCallbacks
    """The application's callbacks."""
