"""Read the body of a response as it comes over the wire."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


def raw_chunks(response: "httpx2.Response") -> AsyncGenerator[bytes, None]:
    """Yield the body before its decompression, for which the library has no limit.

    If a hook of the client has read the body, the body is decompressed already, and the headers are changed to say so.
    """
    if not response.is_stream_consumed:
        return response.aiter_raw()
    if response.headers.pop("Content-Encoding", None) is not None:
        response.headers.pop("Content-Length", None)
    return response.aiter_bytes()
