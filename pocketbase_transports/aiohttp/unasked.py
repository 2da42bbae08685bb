"""What arrives on a connection before the request has left is no answer to the request."""

from typing import Any

import aiohttp

ATTEMPTS = 101
"""A connection more than aiohttp keeps by default."""


class _Unusable(Exception):
    """The connection holds what nobody asked for."""


async def ask_on_clean_connection(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware of aiohttp's, to be the innermost: the request waits for a connection that holds nothing.

    aiohttp reads what a server sends on an idle connection, and would take that for the answer to the next request.
    Here it closes such a connection, and takes the next one.
    """

    async def send(connection: Any) -> aiohttp.ClientResponse:
        if connection.protocol.should_close:
            raise _Unusable
        return await type(request).send(request, connection)

    patched: Any = request
    patched.send = send
    for _ in range(ATTEMPTS):
        try:
            return await handler(request)
        except _Unusable:
            continue
    raise aiohttp.ClientConnectionError("the server sends before it is asked")


def middlewares(session: aiohttp.ClientSession) -> tuple[aiohttp.ClientMiddlewareType, ...]:
    """The session's own middlewares, and this one.

    aiohttp has no public way to add one for a request, or to read the session's own.
    """
    own: tuple[aiohttp.ClientMiddlewareType, ...] = tuple(getattr(session, "_middlewares", ()))
    return (*own, ask_on_clean_connection)
