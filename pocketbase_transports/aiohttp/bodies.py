"""Bodies that are read whole."""

import aiohttp

from pocketbase_core.ports import Exchange, read_whole


async def read(answer: aiohttp.ClientResponse, exchange: Exchange) -> bytes:
    """The body. Releases the connection, or closes it when that fails."""
    connection = answer.connection  # gone when all of it is there
    protocol = connection and connection.protocol
    try:
        if exchange.length_fits(answer.status, answer.headers):
            content = await answer.read()
        else:
            content = await read_whole(exchange.request, answer.status, answer.content.iter_any())
    except BaseException:
        answer.close()
        raise
    # aiohttp has put it back before it saw what came behind the answer, and would take that for the next one.
    if protocol is not None and protocol.should_close:
        protocol.close()
    return content
