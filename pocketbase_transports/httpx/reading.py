"""Bodies as they come over the wire."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


def raw_chunks(answer: "httpx2.Response") -> AsyncGenerator[bytes, None]:
    """Yield the body before it is decompressed, which the library does without a limit.

    Where a hook of the client's has read the body, it is decompressed already, and its headers say so from here on.
    """
    if not answer.is_stream_consumed:
        return answer.aiter_raw()
    if answer.headers.pop("Content-Encoding", None) is not None:
        answer.headers.pop("Content-Length", None)
    return answer.aiter_bytes()
