"""The connections of a session that cannot be closed by its loop any more."""

import asyncio
from typing import Any

import aiohttp


def take_transports(session: aiohttp.ClientSession) -> list[asyncio.BaseTransport]:
    """Take the transports of all connections out of a session, and have it warn of nothing.

    aiohttp has no public list of them.
    """
    connector: Any = session.connector
    owns = session.connector_owner
    session.detach()
    if not owns or connector is None:
        return []
    protocols = [protocol for idle in connector._conns.values() for protocol, _ in idle]
    protocols += connector._acquired
    connector._conns.clear()
    connector._acquired.clear()
    transports = [protocol.transport for protocol in protocols if protocol.transport is not None]
    for protocol in protocols:
        protocol.transport = None  # a response that is collected later would close it
    return transports
