"""Streams of events, split into their fields, so that a library has one short line for each."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator

MAX_EVENT_SIZE = 16 * 1024 * 1024
SLICE_SIZE = 32 * 1024
"""The most bytes that are split before the loop has a turn."""


class EventParser:
    """A stream of events, without I/O: `feed` takes bytes of it, and gives the fields of each event that they complete.

    The fields are `event`, `data` and `id` by name, as far as an event has them; the lines of `data` are one text, in
    which they are parted by newlines. Of a field that comes twice, the last counts. `check` is called with the bytes of
    the event that has begun, and raises when there are too many.
    """

    def __init__(self, check: Callable[[int], None]) -> None:
        self._check = check
        self._partial_line = bytearray()
        """A line whose end is still to come."""
        self._after_cr = False
        self._size = 0
        self._fields: dict[str, str] = {}
        self._data = bytearray()
        """The lines of data, each with a newline."""

    @property
    def has_begun(self) -> bool:
        """True within an event, or within a pair of CR and LF."""
        return bool(self._partial_line or self._size or self._after_cr)

    def feed(self, data: bytes) -> Generator[dict[str, str], None, None]:
        """Yield the fields of the events that end in these bytes."""
        for line in self._lines(data):
            if line:
                self._parse_line(line)
                continue
            if self._data:
                self._fields["data"] = self._data[:-1].decode("utf-8", "replace")
            if self._fields:
                yield self._fields
            self._fields, self._data, self._size = {}, bytearray(), 0
        self._check(self._size + len(self._partial_line))

    def _lines(self, data: bytes) -> list[bytes]:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = data.split(b"\n")
        self._partial_line += first
        if not rest:
            return []
        lines = [bytes(self._partial_line), *rest]
        self._partial_line = bytearray(lines.pop())
        return lines

    def _parse_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if not name:  # a comment
            return
        self._size += len(line)
        self._check(self._size)
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data += value
            self._data += b"\n"
        elif name == b"event" or (name == b"id" and b"\0" not in value):
            self._fields[name.decode()] = value.decode("utf-8", "replace")


async def event_fields(
    chunks: AsyncIterator[bytes], check: Callable[[int], None]
) -> AsyncGenerator[dict[str, str], None]:
    """Yield the fields of each event of a body that is read as it comes; see `EventFields`."""
    fields = EventParser(check)
    async for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            if start:
                await asyncio.sleep(0)
            for event in fields.feed(chunk[start : start + SLICE_SIZE]):
                yield event


async def event_parts(
    chunks: AsyncIterator[bytes], check: Callable[[int], None]
) -> AsyncGenerator[bytes | dict[str, str], None]:
    """Yield short events as they came, many at once; of any other event yield the fields, as `event_fields` does.

    A library reads its own lines in less time. Short events are whole, and their lines end in LF.
    """
    fields, begun = EventParser(check), b""
    async for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            if start:
                await asyncio.sleep(0)
            data, begun = begun + chunk[start : start + SLICE_SIZE], b""
            if not fields.has_begun and b"\r" not in data:
                end = data.rfind(b"\n\n") + 2
                if end > 1:
                    yield data[:end]
                begun = data[end:] if end > 1 else data
                if len(begun) <= SLICE_SIZE:
                    continue
                data, begun = begun, b""
            for event in fields.feed(data):
                yield event
