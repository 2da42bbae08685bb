"""Bodies that are read whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from pocketbase_core.messages import Headers
from pocketbase_core.transport import Exchange


async def read_body(answer: aiohttp.ClientResponse, exchange: Exchange) -> bytes:
    """Read the body. Release the connection, or close it when that fails."""
    connection = answer.connection  # gone when all of it is there
    protocol = connection and connection.protocol
    try:
        headers = Headers(answer.headers.items())  # in which a name that came twice has both values
        if "Content-Encoding" not in headers and exchange.check_content_length(answer.status, headers):
            content = await answer.read()
        else:
            async with aclosing(_chunks(answer)) as chunks:
                content = await exchange.read_body(answer.status, headers, chunks)
    except BaseException:
        answer.close()
        raise
    # aiohttp has put it back before it saw what came behind the answer, and would take that for the next one.
    if protocol is not None and protocol.should_close:
        protocol.close()
    return content


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    if answer.content.is_eof():
        yield await answer.read()  # which a trace of the session's may have done before
    else:
        async for chunk in answer.content.iter_any():
            yield chunk
