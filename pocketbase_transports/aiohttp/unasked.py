"""What arrives on a connection before the request has left is no answer to the request."""

import select
from collections.abc import Awaitable
from functools import cache
from typing import Any
from weakref import WeakSet

import aiohttp

ATTEMPTS = 101
"""A connection more than aiohttp keeps by default."""


_used: WeakSet[Any] = WeakSet()
"""Connections that have carried a request. On a new one, the end of the connection is no sign of what went before."""


class Unusable(Exception):
    """The connection holds what nobody asked for; nothing was sent on it."""


@cache
def on_clean_connections(request_class: type[aiohttp.ClientRequest]) -> type[aiohttp.ClientRequest]:
    """Make a class of requests that leave only on a connection that holds nothing. Their `send` raises `Unusable`.

    aiohttp reads what a server sends on an idle connection, and would take that for the answer to the next request.
    When `send` raises, aiohttp closes the connection.
    """

    class CleanRequest(request_class):  # type: ignore[misc, valid-type]
        def send(self, conn: Any) -> Awaitable[aiohttp.ClientResponse]:  # pyright: ignore[reportIncompatibleMethodOverride]
            is_new = conn.protocol not in _used
            _used.add(conn.protocol)
            if conn.protocol.should_close and (conn.protocol.is_connected() or not is_new):
                raise Unusable
            if not is_new and _holds_bytes(conn.transport):
                raise Unusable
            response: Awaitable[aiohttp.ClientResponse] = super().send(conn)
            return response

    return CleanRequest


def _holds_bytes(transport: Any) -> bool:
    """Whether the system has bytes of a plain connection that the loop has not read yet.

    On TLS connections it may hold tickets of the session, which are no answer.
    """
    if transport.get_extra_info("ssl_object") is not None:
        return False
    socket = transport.get_extra_info("socket")
    if not hasattr(select, "poll"):  # on Windows, where `select` takes any number of a socket
        return bool(select.select([socket], [], [], 0)[0])
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
