"""Close connections that hold data behind a response.

A client must not take data for the response to a request that it has not sent yet (RFC 9112, 9.2). httpcore does so:
h11 keeps what follows a response as `trailing_data`, and reads it when the connection is used again
(https://github.com/pydantic/httpx2/issues/570). httpcore has no public access to that data:
https://github.com/encode/httpcore/issues/872 names the private attributes that lead there, and asks for a public way.
Until there is one, these attributes are used. If they are missing, because a later version has others, a warning is
logged once.
"""

import logging
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

_H11_PATH = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")
_logger = logging.getLogger("pocketbase_core")


def close_on_trailing_data(response: "httpx2.Response") -> None:
    """Have the connection closed with the response, if there is data behind it."""
    stream: Any = response.stream
    h11: Any = reduce(lambda part, name: getattr(part, name, None), _H11_PATH, stream)
    if h11 is None:
        if _is_from_http1_connection(response):
            warn_of_missing_path()
        return
    close = stream.aclose

    async def close_checked() -> None:
        if h11.trailing_data[0]:
            h11.send_failed()
        await close()

    stream.aclose = close_checked


def _is_from_http1_connection(response: "httpx2.Response") -> bool:
    """Return False for HTTP/2, and for responses that do not come from httpcore, as those of a mock transport."""
    return "network_stream" in response.extensions and response.http_version.startswith("HTTP/1")


@cache
def warn_of_missing_path() -> None:
    """Log once that the connections cannot be checked."""
    _logger.warning(
        "this version of httpx or httpcore is not known: data that a server sends behind a response cannot be "
        "detected, and may be taken for the next response"
    )
