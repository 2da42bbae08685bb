"""Waiting for conditions that no event signals."""

import asyncio
from typing import Any


async def until(condition: Any) -> None:
    """Wait until the condition is true, for at most 20 seconds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)
