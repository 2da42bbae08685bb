"""Decompress responses in steps of limited size.

A few kilobytes can decompress to gigabytes, and HTTP libraries decompress a chunk at once. So the adapters take the
body as it came over the wire, and `Decompressor` decompresses it: each `step` takes at most 16 KiB of input and returns
at most 64 KiB of output. A consumer that counts the output, or writes it to a file, never holds more than that. Between
two steps on one chunk the event loop has a turn.

Only gzip and deflate are decompressed, once. All requests say so in `Accept-Encoding`.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

ACCEPTED_ENCODINGS = "gzip, deflate"
STEP_SIZE = 64 * 1024
"""The maximum number of bytes that one step returns."""
_INPUT_SIZE = 16 * 1024
"""The maximum number of bytes that one step takes. zlib copies the bytes that it does not use."""


class DecompressionError(Exception):
    """A body that cannot be decompressed."""


class Decompressor:
    """A decompressor without I/O: `feed` takes bytes of the body, each `step` returns at most `STEP_SIZE` bytes.

    Args:
        content_encoding: The value of the response's header.
    """

    def __init__(self, content_encoding: str) -> None:
        self._coding = content_encoding.strip().lower().removeprefix("x-")  # RFC 9110, 8.4.1.3
        self._input = memoryview(b"")
        self._member: Any = None
        self._members = 0
        self._is_full = False

    @property
    def has_more(self) -> bool:
        """True if `step` has to be called before the next `feed`."""
        return bool(self._input) or self._is_full

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body, once `has_more` is False."""
        self._input = memoryview(data)

    def step(self) -> bytes:
        """Return the next decompressed bytes, which may be empty.

        Raises:
            DecompressionError: If the body is encoded by anything else than gzip or deflate, or is not valid.
        """
        taken = self._input[:_INPUT_SIZE]
        member = self._member or self._start_member(taken[0])
        try:
            output: bytes = member.decompress(taken, STEP_SIZE)
        except zlib.error as error:
            raise DecompressionError(f"it is not valid {self._coding}") from error
        unread = len(member.unused_data if member.eof else member.unconsumed_tail)
        self._input = self._input[len(taken) - unread :]
        self._member = None if member.eof else member
        self._is_full = len(output) == STEP_SIZE and not member.eof
        return output

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            DecompressionError: If the body ends too early.
        """
        if self._member is not None:
            raise DecompressionError(f"its {self._coding} data is incomplete")

    def _start_member(self, first_byte: int) -> Any:
        self._members += 1
        if self._coding == "gzip":  # may have several members (RFC 1952, 2.2)
            return zlib.decompressobj(wbits=31)
        if self._coding != "deflate":
            raise DecompressionError(
                f"it is encoded as {self._coding[:100]!r}, but {ACCEPTED_ENCODINGS} were requested"
            )
        if self._members > 1:
            raise DecompressionError("there is data behind its deflate data")
        # Some servers send deflate without the header of the zlib format, whose first byte ends in 8 (RFC 1950, 2.2).
        return zlib.decompressobj(wbits=15 if first_byte & 15 == 8 else -15)


class Decompressed(AsyncIterator[bytes]):
    """A body that is decompressed while it is read.

    Args:
        content_encoding: The value of the response's header.
        chunks: The body as it came over the wire.
        make_error: Called with `message=…`, returns the error for a body that cannot be decompressed.
    """

    __slots__ = ("_chunks", "_decompressor", "_make_error", "_stepped")

    def __init__(
        self, content_encoding: str, chunks: AsyncIterator[bytes], make_error: Callable[..., Exception]
    ) -> None:
        self._decompressor = Decompressor(content_encoding)
        self._chunks = chunks
        self._make_error = make_error
        self._stepped = False

    async def __anext__(self) -> bytes:
        try:
            while True:
                if self._decompressor.has_more:
                    if self._stepped:
                        await asyncio.sleep(0)  # a compression bomb blocks the loop for one step only
                    self._stepped = True
                    if output := self._decompressor.step():
                        return output
                    continue
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    self._decompressor.finish()
                    raise StopAsyncIteration
                self._decompressor.feed(chunk)
                self._stepped = False
        except DecompressionError as error:
            raise self._make_error(message=f"the response cannot be decompressed: {error}") from error
