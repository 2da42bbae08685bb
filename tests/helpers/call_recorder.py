"""A callback that a test can wait for."""

import asyncio
from typing import Any


class CallRecorder(list[Any]):
    """A callback that records its arguments: the argument, or a tuple if there are several or none."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def __call__(self, *arguments: Any) -> None:
        self.append(arguments[0] if len(arguments) == 1 else arguments)
        self._more.set()

    async def until(self, count: int) -> "CallRecorder":
        """Wait until there are at least `count` calls, for at most 10 seconds. Return the recorder."""
        async with asyncio.timeout(10):
            while len(self) < count:
                self._more.clear()
                await self._more.wait()
        return self
