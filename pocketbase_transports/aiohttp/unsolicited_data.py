"""Keep requests off connections that hold unsolicited data.

aiohttp reads what a server sends on an idle connection, and takes that for the response to the next request. So the
class of the requests is replaced by a subclass that checks the connection right before a request is sent:

- `should_close` of the protocol: aiohttp has received something after the last response.
- The system's receive buffer: something has arrived, which the event loop has not read yet. On a TLS connection that
  may be a session ticket, so only `should_close` is checked there.

If there is such data, `send` raises `UnsolicitedDataError`, aiohttp closes the connection, and the adapter tries the
next one. A new connection that has ended already is not checked: the request fails, as on any broken connection.
"""

import select
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

MAX_ATTEMPTS = 101
"""One more than the number of connections that aiohttp keeps by default."""
_unread_checks: WeakKeyDictionary[Any, Callable[[], object]] = WeakKeyDictionary()
"""For each connection that has carried a request: a function that returns whether the system holds unread bytes."""


class UnsolicitedDataError(Exception):
    """The connection holds data that no request asked for. Nothing was sent on it."""


@cache
def with_clean_connections(request_class: type[aiohttp.ClientRequest]) -> type[aiohttp.ClientRequest]:
    """Return a subclass whose `send` raises `UnsolicitedDataError` on a connection that holds unsolicited data."""
    inherited: Any = request_class.send

    def send(request: aiohttp.ClientRequest, connection: Any) -> Awaitable[aiohttp.ClientResponse]:
        protocol = connection.protocol
        if (has_unread := _unread_checks.get(protocol)) is not None:
            if protocol.should_close or has_unread():
                raise UnsolicitedDataError
        elif protocol.is_connected():
            if protocol.should_close:
                raise UnsolicitedDataError
            _unread_checks[protocol] = _make_unread_check(connection.transport)
        response: Awaitable[aiohttp.ClientResponse] = inherited(request, connection)
        return response

    return type("CleanRequest", (request_class,), {"send": send})


def _make_unread_check(transport: Any) -> Callable[[], object]:
    """Return a function that returns whether the system holds bytes of a connection that the loop has not read."""
    if transport.get_extra_info("ssl_object") is not None:
        return bool
    socket = transport.get_extra_info("socket")
    if not hasattr(select, "poll"):  # on Windows, where `select` accepts any socket
        return lambda: select.select([socket], [], [], 0)[0]
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return partial(poll.poll, 0)
