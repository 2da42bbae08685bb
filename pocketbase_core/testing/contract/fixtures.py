"""The transport under test."""

from collections.abc import AsyncGenerator, Callable

import pytest_asyncio

from ...ports import Transport

MakeTransport = Callable[[], Transport]


@pytest_asyncio.fixture
async def transport(make_transport: MakeTransport) -> AsyncGenerator[Transport, None]:
    """A new transport for each test."""
    made = make_transport()
    yield made
    await made.aclose()
