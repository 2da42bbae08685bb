"""Compressed answers, decompressed in steps of bounded size, whatever the HTTP library would do with them."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

ACCEPTED_ENCODINGS = "gzip, deflate"
STEP_SIZE = 64 * 1024
"""The most bytes that one step gives."""
_INPUT_SIZE = 16 * 1024
"""The most bytes that one step takes: zlib copies what it leaves of them."""


class DecompressionError(Exception):
    """A body that cannot be decompressed."""


class Decompressor:
    """A compressed body, without I/O: `feed` takes bytes of it, each `step` gives at most `STEP` bytes.

    Raises:
        DecompressionError: it is not compressed once, by gzip or deflate, or is not what its header says.
    """

    def __init__(self, content_encoding: str) -> None:
        self._coding = content_encoding.strip().lower().removeprefix("x-")  # RFC 9110, 8.4.1.3
        self._left = memoryview(b"")
        self._member: Any = None
        self._members = 0
        self._is_full = False

    @property
    def has_more(self) -> bool:
        """Return whether there is a step to take before more can be fed."""
        return bool(self._left) or self._is_full

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._left = memoryview(data)

    def step(self) -> bytes:
        """Return the next bytes; there may be none yet."""
        taken = self._left[:_INPUT_SIZE]
        member = self._member or self._begin(taken[0])
        try:
            piece: bytes = member.decompress(taken, STEP_SIZE)
        except zlib.error as error:
            raise DecompressionError(f"it is no valid {self._coding}") from error
        unread = len(member.unused_data if member.eof else member.unconsumed_tail)
        self._left = self._left[len(taken) - unread :]
        self._member = None if member.eof else member
        self._is_full = len(piece) == STEP_SIZE and not member.eof
        return piece

    def finish(self) -> None:
        """Check that the body does not end in the middle."""
        if self._member is not None:
            raise DecompressionError(f"its {self._coding} breaks off")

    def _begin(self, first: int) -> Any:
        self._members += 1
        if self._coding == "gzip":  # may have several members (RFC 1952, 2.2)
            return zlib.decompressobj(wbits=31)
        if self._coding != "deflate":
            raise DecompressionError(
                f"it is encoded as {self._coding[:100]!r}, where {ACCEPTED_ENCODINGS} were asked for"
            )
        if self._members > 1:
            raise DecompressionError("something follows its deflate")
        # Some servers send deflate without the header of zlib's format, whose first byte ends in 8 (RFC 1950, 2.2).
        return zlib.decompressobj(wbits=15 if first & 15 == 8 else -15)


class Decompressed(AsyncIterator[bytes]):
    """A body that is decompressed while it is read; `fail(message=…)` makes the error where that is impossible."""

    __slots__ = ("_chunks", "_decompressor", "_fail", "_stepped")

    def __init__(self, content_encoding: str, chunks: AsyncIterator[bytes], fail: Callable[..., Exception]) -> None:
        self._decompressor = Decompressor(content_encoding)
        self._chunks = chunks
        self._fail = fail
        self._stepped = False

    async def __anext__(self) -> bytes:
        try:
            while True:
                if self._decompressor.has_more:
                    if self._stepped:
                        await asyncio.sleep(0)  # a bomb blocks the loop for one step only
                    self._stepped = True
                    if piece := self._decompressor.step():
                        return piece
                    continue
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    self._decompressor.finish()
                    raise StopAsyncIteration
                self._decompressor.feed(chunk)
                self._stepped = False
        except DecompressionError as error:
            raise self._fail(message=f"the response cannot be decompressed: {error}") from error
