"""Server-sent events."""

from typing import NamedTuple

from .headers import EditableHeaders as EditableHeaders
from .headers import Headers as Headers


class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    event: str = "message"
    data: str = ""
    id: str = ""
