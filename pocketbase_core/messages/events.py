"""Server-sent events."""

from typing import NamedTuple


class ServerSentEvent(NamedTuple):
    """One event of a stream (WHATWG HTML, 9.2)."""

    event: str = "message"
    """The type of the event, such as `PB_CONNECT` or a topic."""
    data: str = ""
    """The data, without its last line feed."""
    id: str = ""
    """The last event id of the stream; empty if the server has sent none."""
