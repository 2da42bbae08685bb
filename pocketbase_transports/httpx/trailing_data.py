"""Bytes behind a response, which httpcore would take for the response to the next request."""

from functools import reduce
from typing import Any

_H11_PATH = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


def close_on_trailing_data(stream: Any) -> None:
    """Have a connection that holds more than the answer closed with it.

    Neither library tells: h11 keeps the bytes, and reads them when the connection is used again. Where their insides
    are others, nothing happens.
    """
    h11: Any = reduce(lambda part, name: getattr(part, name, None), _H11_PATH, stream)
    if h11 is None:
        return
    close = stream.aclose

    async def close_for_good() -> None:
        if h11.trailing_data[0]:
            h11.send_failed()
        await close()

    stream.aclose = close_for_good
