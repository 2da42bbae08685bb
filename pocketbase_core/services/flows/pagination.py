"""Reads lists to their end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from ...calls.call import Call
from ...calls.options import Options
from ...endpoints.keyset import KeysetPages, NumberedPages
from ...endpoints.pages import Page, is_last, with_page_size
from ...models.decoders import Decoder, Record, decode_from, decode_page_call
from ...pipeline import Pipeline
from .bound_pipeline import BoundPipeline

T = TypeVar("T")
PREFETCH_PAGES = 3
"""Pages to request ahead. At the end of a list, up to as many requests return nothing, at the cost of a page each."""


async def iterate_pages(
    pipeline: Pipeline, options: Options, reader: KeysetPages | NumberedPages, decode: Decoder[T]
) -> AsyncGenerator[T, None]:
    """Yield the records of all pages of the reader."""
    bound = BoundPipeline(pipeline, options, each=True)
    while not reader.is_done:
        page, response = await bound.execute(reader.next_call().with_response())
        records = reader.accept(page)
        for record in decode_from(response.url, response.status_code, records, lambda raw: [*map(decode, raw)]):
            yield record


async def fetch_all(
    pipeline: Pipeline, options: Options, get_page: Callable[[int], Call[Page[Record]]], decode: Decoder[T]
) -> list[T]:
    """Return the items of all pages.

    The longer the list turns out to be, the more pages are requested while one is decoded.
    """
    bound = BoundPipeline(pipeline, options)
    requested = received = 1
    page = await bound.execute(decode_page_call(get_page(requested), decode))
    items, size = page["items"], page["perPage"]
    prefetched: deque[asyncio.Task[Page[T]]] = deque()
    try:
        while not is_last(page):
            while len(prefetched) < min(received, PREFETCH_PAGES):
                requested += 1
                call = decode_page_call(with_page_size(get_page(requested), size), decode)
                prefetched.append(asyncio.create_task(bound.execute(call)))
            page = await prefetched.popleft()
            received += 1
            items += page["items"]
    finally:
        for task in prefetched:
            task.cancel()
        await asyncio.gather(*prefetched, return_exceptions=True)
    return items
