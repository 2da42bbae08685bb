"""Waits for conditions that nothing signals."""

import asyncio
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[..., Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)
