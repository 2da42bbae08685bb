"""Server-sent events."""

from typing import NamedTuple

from .headers import Headers as Headers
from .headers import MutableHeaders as MutableHeaders


class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    event: str = "message"
    data: str = ""
    id: str = ""
