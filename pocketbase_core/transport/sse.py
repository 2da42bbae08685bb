"""Split streams of server-sent events into fields.

The adapters leave the interpretation of events to an HTTP library, but the libraries are slow for each line, some limit
the length of a line, and none limits the size of an event. So this module splits the stream first, as the standard says
(https://html.spec.whatwg.org/multipage/server-sent-events.html), and the library gets one line for each field:

- `EventParser` is a parser without I/O. It takes chunks, which may end anywhere, and yields the fields of each event.
- `event_fields` runs the parser over a body. The event loop has a turn for every 32 KiB.
- `event_parts` leaves short events to the library: a library needs less time for these than the parser. Only bytes that
  end with an event are passed on as they are; from an incomplete event of more than 32 KiB on, and where lines end
  in CR, the parser takes over until the end of an event.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator

MAX_EVENT_SIZE = 16 * 1024 * 1024
SLICE_SIZE = 32 * 1024
"""The number of bytes after which the event loop has a turn."""


class EventParser:
    """A parser without I/O.

    Args:
        check_size: Called with the size in bytes of the event that has begun. Raises if that is too large.
    """

    def __init__(self, check_size: Callable[[int], None]) -> None:
        self._check_size = check_size
        self._partial_line = bytearray()
        """A line whose end has not been received."""
        self._after_cr = False
        self._size = 0
        self._fields: dict[str, str] = {}
        self._data = bytearray()
        """The lines of `data`, each with a newline."""

    @property
    def has_begun(self) -> bool:
        """True in the middle of an event, or between CR and LF."""
        return bool(self._partial_line or self._size or self._after_cr)

    def feed(self, data: bytes) -> Generator[dict[str, str], None, None]:
        """Yield the fields of each event that ends in these bytes.

        The keys are `event`, `data` and `id`, those that the event has. The lines of `data` are joined by newlines. If
        the event has one of the other fields twice, the last counts.
        """
        for line in self._lines(data):
            if line:
                self._parse_line(line)
                continue
            if self._data:
                self._fields["data"] = self._data[:-1].decode("utf-8", "replace")
            if self._fields:
                yield self._fields
            self._fields, self._data, self._size = {}, bytearray(), 0
        self._check_size(self._size + len(self._partial_line))

    def _lines(self, data: bytes) -> list[bytes]:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *others = data.split(b"\n")
        self._partial_line += first
        if not others:
            return []
        lines = [bytes(self._partial_line), *others]
        self._partial_line = bytearray(lines.pop())
        return lines

    def _parse_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if not name:  # a comment
            return
        self._size += len(line)
        self._check_size(self._size)
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data += value
            self._data += b"\n"
        elif name == b"event" or (name == b"id" and b"\0" not in value):
            self._fields[name.decode()] = value.decode("utf-8", "replace")


async def event_fields(
    chunks: AsyncIterator[bytes], check_size: Callable[[int], None]
) -> AsyncGenerator[dict[str, str], None]:
    """Yield the fields of each event of a decompressed body. See `EventParser.feed`."""
    parser = EventParser(check_size)
    async for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            if start:
                await asyncio.sleep(0)
            for event in parser.feed(chunk[start : start + SLICE_SIZE]):
                yield event


async def event_parts(
    chunks: AsyncIterator[bytes], check_size: Callable[[int], None]
) -> AsyncGenerator[bytes | dict[str, str], None]:
    """Yield short events as bytes, several at once, and the fields of any other event.

    The bytes are complete events, whose lines end in LF.
    """
    parser, incomplete = EventParser(check_size), b""
    async for chunk in chunks:
        for start in range(0, len(chunk), SLICE_SIZE):
            if start:
                await asyncio.sleep(0)
            data, incomplete = incomplete + chunk[start : start + SLICE_SIZE], b""
            if not parser.has_begun and b"\r" not in data:
                end = data.rfind(b"\n\n") + 2
                if end > 1:
                    yield data[:end]
                incomplete = data[end:] if end > 1 else data
                if len(incomplete) <= SLICE_SIZE:
                    continue
                data, incomplete = incomplete, b""
            for event in parser.feed(data):
                yield event
