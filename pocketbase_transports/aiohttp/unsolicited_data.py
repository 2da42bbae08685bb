"""Requests that take no bytes for their response which were there before the request left."""

import select
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

MAX_ATTEMPTS = 101
"""A connection more than aiohttp keeps by default."""
_unread_checks: WeakKeyDictionary[Any, Callable[[], object]] = WeakKeyDictionary()
"""For each connection that has carried a request: whether the system has bytes that the loop has not read yet."""


class UnsolicitedDataError(Exception):
    """The connection holds what nobody asked for; nothing was sent on it."""


@cache
def with_clean_connections(request_class: type[aiohttp.ClientRequest]) -> type[aiohttp.ClientRequest]:
    """Make a class of requests that leave only on a connection that holds nothing. Their `send` raises `Unusable`.

    aiohttp reads what a server sends on an idle connection, and would take that for the answer to the next request.
    When `send` raises, aiohttp closes the connection.
    """
    inherited: Any = request_class.send

    def send(request: aiohttp.ClientRequest, connection: Any) -> Awaitable[aiohttp.ClientResponse]:
        protocol = connection.protocol
        if (has_unread := _unread_checks.get(protocol)) is not None:
            if protocol.should_close or has_unread():
                raise UnsolicitedDataError
        elif protocol.is_connected():  # else it has ended while it was new, which tells nothing of what went before
            if protocol.should_close:
                raise UnsolicitedDataError
            _unread_checks[protocol] = _make_unread_check(connection.transport)
        response: Awaitable[aiohttp.ClientResponse] = inherited(request, connection)
        return response

    return type("CleanRequest", (request_class,), {"send": send})


def _make_unread_check(transport: Any) -> Callable[[], object]:
    """Make a function that tells whether the system has bytes of a connection that the loop has not read yet.

    On TLS connections it may hold tickets of the session, which are no answer.
    """
    if transport.get_extra_info("ssl_object") is not None:
        return bool
    socket = transport.get_extra_info("socket")
    if not hasattr(select, "poll"):  # on Windows, where `select` takes any number of a socket
        return lambda: select.select([socket], [], [], 0)[0]
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return partial(poll.poll, 0)
