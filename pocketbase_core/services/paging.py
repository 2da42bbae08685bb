"""Lists that are read to their end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from ..api.lists import Page
from ..call import Call, Executor

T = TypeVar("T")
AHEAD = 3
"""Pages that are asked for and may turn out not to be there. Each of them costs the server as much as the last one."""


async def every_record(
    executor: Executor, get_page: Callable[[int, object], Call[tuple[Page[T], object]]]
) -> AsyncGenerator[T, None]:
    """The records of all pages, one after the other; each comes with its last id, which the next may start from."""
    number = 1
    after: object = None
    while True:
        page, after = await executor.execute(get_page(number, after))
        for item in page["items"]:
            yield item
        if is_last(page):
            return
        number += 1


async def all_items(executor: Executor, get_page: Callable[[int], Call[Page[T]]]) -> list[T]:
    """The items of all pages. The longer the list, the more pages the server prepares while one is decoded."""
    number = seen = 1
    page = await executor.execute(get_page(number))
    items = page["items"]
    coming: deque[asyncio.Task[Page[T]]] = deque()
    try:
        while not is_last(page):
            while len(coming) < min(seen, AHEAD):
                number += 1
                coming.append(asyncio.create_task(executor.execute(get_page(number))))
            page = await coming.popleft()
            seen += 1
            items += page["items"]
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
    return items


def is_last(page: Page[Any]) -> bool:
    """A page is full when it is as long as the server says, which may be less than asked."""
    return not page["items"] or len(page["items"]) < page["perPage"]
