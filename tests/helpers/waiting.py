"""Waiting for conditions that no event signals."""

import asyncio
from typing import Any


async def until(condition: Any, seconds: float = 20) -> None:
    """Wait until the condition is true, for at most so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
