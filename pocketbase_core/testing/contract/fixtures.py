"""The fixture for the transport under test."""

from collections.abc import AsyncGenerator, Callable

import pytest_asyncio

from ...ports import Transport

MakeTransport = Callable[[], Transport]
"""Makes a new transport."""


@pytest_asyncio.fixture
async def transport(make_transport: MakeTransport) -> AsyncGenerator[Transport, None]:
    """Return a new transport, which is closed after the test."""
    transport = make_transport()
    yield transport
    await transport.aclose()
