"""Reads lists to their end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
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


class RecordIterator(AsyncIterator[T]):
    """The records of all pages of a reader, one after the other."""

    def __init__(
        self, pipeline: Pipeline, options: Options, reader: KeysetPages | NumberedPages, decode: Decoder[T]
    ) -> None:
        self._pages = _iterate_pages(pipeline, options, reader, decode)
        self._page: Iterator[T] = iter(())

    async def __anext__(self) -> T:
        while True:
            for record in self._page:
                return record
            self._page = iter(await self.next_page())

    async def next_page(self) -> list[T]:
        """Return the records of the next page.

        Raises:
            StopAsyncIteration: If there is none.
        """
        return await anext(self._pages)

    async def aclose(self) -> None:
        """End the iteration."""
        await self._pages.aclose()
        self._page = iter(())


async def _iterate_pages(
    pipeline: Pipeline, options: Options, reader: KeysetPages | NumberedPages, decode: Decoder[T]
) -> AsyncGenerator[list[T], None]:
    bound = BoundPipeline(pipeline, options, each=True)
    while not reader.is_done:
        page, response = await bound.execute(reader.next_call().with_response())
        records = reader.accept(page)
        yield decode_from(response.url, response.status_code, records, lambda raw: [*map(decode, raw)])


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
