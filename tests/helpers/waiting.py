"""Waits for conditions that nothing signals."""

import asyncio
from typing import Any


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)
