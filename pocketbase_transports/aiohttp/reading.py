"""Read the whole body of a response."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from pocketbase_core.messages import Headers
from pocketbase_core.transport import Exchange


async def read_body(response: aiohttp.ClientResponse, exchange: Exchange) -> bytes:
    """Read the body and release the connection. If reading fails, close the connection."""
    connection = response.connection  # None once the body has been received
    protocol = connection and connection.protocol
    try:
        headers = Headers(response.headers.items())  # joins the values of a name that occurs twice
        if "Content-Encoding" not in headers and exchange.check_content_length(response.status, headers):
            content = await response.read()
        else:
            async with aclosing(_chunks(response)) as chunks:
                content = await exchange.read_body(response.status, headers, chunks)
    except BaseException:
        response.close()
        raise
    # aiohttp puts the connection back into the pool before it notices data behind the response, and would take that
    # data for the next response.
    if protocol is not None and protocol.should_close:
        protocol.close()
    return content


async def _chunks(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    if response.content.is_eof():
        yield await response.read()  # returns the body again if a trace of the session has already read it
    else:
        async for chunk in response.content.iter_any():
            yield chunk
