"""Limits to the size of a response's body, and to that of one event."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from io import BytesIO

from ..errors import PocketBaseConnectionError, PocketBaseDecodeError, PocketBaseTimeoutError
from ..messages import Request
from ..messages.headers import content_length

MAX_EVENT_SIZE = 16 * 1024 * 1024
"""The maximum size of a server-sent event, in bytes."""


def check_content_length(request: Request, status: int, headers: Mapping[str, str]) -> bool:
    """Return whether the headers guarantee that the body is within the request's limit.

    False means that the body has to be counted while it is read.

    Raises:
        PocketBaseDecodeError: If the Content-Length is above the limit.
    """
    limit, length = request.client_options.max_response_bytes, content_length(headers)
    if limit is None or request.method == "HEAD":  # the response to a HEAD has the length of the body that a GET gets
        return True
    if length is None:
        return False
    check_body_size(request, status, length)
    return True


def check_body_size(request: Request, status: int, size: int) -> None:
    """Check the size of a body.

    Raises:
        PocketBaseDecodeError: If the size is above the request's limit.
    """
    limit = request.client_options.max_response_bytes
    if limit is not None and size > limit:
        message = f"the response is larger than max_response_bytes={limit} allows"
        raise PocketBaseDecodeError(request.url, status, message=message)


def check_event_size(url: str, size: int) -> None:
    """Check the size of a server-sent event, as far as it has been received.

    Raises:
        PocketBaseConnectionError: If the event is larger than `MAX_EVENT_SIZE`.
    """
    if size > MAX_EVENT_SIZE:
        raise PocketBaseConnectionError(url, message="an event is larger than 16 MiB", request_sent=True)


async def read_body(request: Request, status: int, chunks: AsyncIterator[bytes]) -> bytes:
    """Read a decompressed body to its end.

    Raises:
        PocketBaseDecodeError: If the body is larger than the request's limit.
    """
    content = BytesIO()  # `getvalue` does not copy what was written
    async for chunk in chunks:
        check_body_size(request, status, content.tell() + len(chunk))
        content.write(chunk)
    return content.getvalue()


async def read_error_body(request: Request, status: int, chunks: AsyncIterator[bytes], started: float) -> bytes:
    """Read the decompressed body of an error response to its end, within the request's timeout.

    Args:
        request: The request.
        status: The status of the response.
        chunks: The body.
        started: The loop's time from which the timeout counts. With files in the request, or a body that is read, whose
            upload may take longer, the timeout counts from now.

    Raises:
        PocketBaseTimeoutError: If the timeout is over.
        PocketBaseDecodeError: If the body is larger than the request's limit.
    """
    loop = asyncio.get_running_loop()
    if request.sources:
        started = loop.time()
    when = None if request.timeout is None else started + request.timeout
    try:
        async with asyncio.timeout_at(when):
            return await read_body(request, status, chunks)
    except TimeoutError:
        message = f"the response was not complete within {request.timeout:g} s"
        raise PocketBaseTimeoutError(request.url, message=message, request_sent=True) from None
