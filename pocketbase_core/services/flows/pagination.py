"""Lists that are read to their end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from ...calls.call import Call
from ...calls.options import Options
from ...endpoints.keyset import KeysetPages, NumberedPages
from ...endpoints.pages import Page, is_last, with_page_size
from ...models.decoders import Decoder, Record, decode_list_call, decode_page_call
from ...pipeline import Pipeline
from .bound_pipeline import BoundPipeline

T = TypeVar("T")
PREFETCH_PAGES = 3
"""Pages that are asked for and may turn out not to be there. Each of them costs the server as much as the last one."""


async def iterate_pages(
    pipeline: Pipeline, options: Options, reader: KeysetPages | NumberedPages, decode: Decoder[T]
) -> AsyncGenerator[T, None]:
    """The records that the reader asks for, one after the other."""
    bound = BoundPipeline(pipeline, options, each=True)
    while not reader.is_done:
        for record in await bound.execute(decode_list_call(reader.next_call(), decode)):
            yield record


async def fetch_all(
    pipeline: Pipeline, options: Options, get_page: Callable[[int], Call[Page[Record]]], decode: Decoder[T]
) -> list[T]:
    """The items of all pages. The longer the list, the more pages the server prepares while one is decoded."""
    bound = BoundPipeline(pipeline, options)
    number = seen = 1
    page = await bound.execute(decode_page_call(get_page(number), decode))
    items, size = page["items"], page["perPage"]
    coming: deque[asyncio.Task[Page[T]]] = deque()
    try:
        while not is_last(page):
            while len(coming) < min(seen, PREFETCH_PAGES):
                number += 1
                call = decode_page_call(with_page_size(get_page(number), size), decode)
                coming.append(asyncio.create_task(bound.execute(call)))
            page = await coming.popleft()
            seen += 1
            items += page["items"]
    finally:
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
    return items
