"""Lists that are read to their end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from ...calls.call import Call, Executor
from ...calls.options import Options
from ...endpoints.keyset import Keyset, Numbered
from ...endpoints.pages import Page, is_last, of_size
from ...models.decoders import Decoder, Record, decoded_list, decoded_page
from .joint import Joint

T = TypeVar("T")
AHEAD = 3
"""Pages that are asked for and may turn out not to be there. Each of them costs the server as much as the last one."""


async def every_record(
    executor: Executor, options: Options, reader: Keyset | Numbered, decode: Decoder[T]
) -> AsyncGenerator[T, None]:
    """The records that the reader asks for, one after the other."""
    joint = Joint(executor, options, each=True)
    while not reader.is_done:
        for record in await joint.execute(decoded_list(reader.next_call(), decode)):
            yield record


async def all_items(
    executor: Executor, options: Options, get_page: Callable[[int], Call[Page[Record]]], decode: Decoder[T]
) -> list[T]:
    """The items of all pages. The longer the list, the more pages the server prepares while one is decoded."""
    joint = Joint(executor, options)
    number = seen = 1
    page = await joint.execute(decoded_page(get_page(number), decode))
    items, size = page["items"], page["perPage"]
    coming: deque[asyncio.Task[Page[T]]] = deque()
    try:
        while not is_last(page):
            while len(coming) < min(seen, AHEAD):
                number += 1
                call = decoded_page(of_size(get_page(number), size), decode)
                coming.append(asyncio.create_task(joint.execute(call)))
            page = await coming.popleft()
            seen += 1
            items += page["items"]
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
    return items
