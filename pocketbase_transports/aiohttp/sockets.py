"""The connections of a session that its event loop cannot close any more."""

import asyncio
from typing import Any

import aiohttp


def take_transports(session: aiohttp.ClientSession) -> list[asyncio.BaseTransport]:
    """Remove the transports of all connections from a session and return them. The session then warns of nothing.

    The connector's private attributes are used, because aiohttp has no public list of the connections.
    """
    connector: Any = session.connector
    owns_connector = session.connector_owner
    session.detach()
    if not owns_connector or connector is None:
        return []
    protocols = [protocol for idle in connector._conns.values() for protocol, _ in idle]
    protocols += connector._acquired
    connector._conns.clear()
    connector._acquired.clear()
    transports = [protocol.transport for protocol in protocols if protocol.transport is not None]
    for protocol in protocols:
        protocol.transport = None  # a response that is garbage-collected later would close the transport
    return transports
