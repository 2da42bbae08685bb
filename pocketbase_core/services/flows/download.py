"""Downloads to a file."""

import asyncio
import os
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...backoff import full_jitter
from ...calls.call import Call
from ...concurrency.callbacks import notify
from ...errors import PocketBaseConnectionError, PocketBaseError
from ...messages import Headers
from ...messages.headers import content_length
from ...messages.uploads import ProgressCallback, check_progress
from ...ports import StreamedResponse
from .bound_pipeline import BoundPipeline
from .partial_file import PartialFile

ATTEMPTS = 5
"""Attempts in a row that bring nothing new, before the download fails."""
BACKOFF = 0.5
MAX_DELAY = 10.0
BUFFER_SIZE = 4 * 1024 * 1024
"""Bytes for a thread to write in one turn: a turn for each chunk would cost more than the chunk."""
SETTLED_AFTER = 60.0
"""Seconds from the last change of a file after which its date tells its versions apart, whatever the clocks."""
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"')
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
RETRYABLE_STATUSES = (0, 502, 503, 504)
"""The statuses of no answer, and of a proxy's while the server is away."""

MakeCall = Callable[[], Awaitable[Call[bytes]]]


async def download_to_file(
    bound: BoundPipeline,
    prepare: MakeCall,
    path: str | os.PathLike[str],
    on_progress: ProgressCallback | None,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Stream an answer into a file beside `path` and rename it at the end; `prepare` makes the call of each attempt.

    When the connection breaks, the rest is asked for, or all of it where the file has changed since or nobody can tell.
    Waits are random, up to half a second, and up to twice as much after each further attempt that brought nothing new.

    `on_progress(done, total)` is told bytes, 0 first; total is None when the server does not say. What it raises is
    logged.

    Raises:
        OSError: the file cannot be written.
        PocketBaseError: the server refused, or five attempts in a row brought nothing new.
    """
    check_progress(on_progress)
    part = PartialFile(Path(path))
    try:
        await asyncio.to_thread(part.open)
        download = _Download(bound, part, on_progress)
        failures = furthest = 0
        while not await download.attempt(prepare):
            failures = 0 if download.done > furthest else failures + 1
            furthest = max(furthest, download.done)
            if failures == ATTEMPTS:
                raise download.failure
            await sleep(full_jitter(failures, BACKOFF, MAX_DELAY, jitter()))
        await asyncio.to_thread(part.finish)
    except BaseException:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, part.discard))
        raise


@dataclass(frozen=True, slots=True)
class Validators:
    """The version of the file in a response, as far as the response's headers say.

    `validator` is a strong validator for If-Range: equal only for equal bytes (RFC 9110, 8.8.1).
    """

    total: int | None
    tag: str | None
    modified: str | None
    validator: str | None

    @classmethod
    def from_headers(cls, headers: Headers) -> "Validators":
        tag, modified = headers.get("ETag"), headers.get("Last-Modified")
        validator = tag if tag is not None and _STRONG_TAG.fullmatch(tag) else None
        if validator is None and modified is not None and _is_strong(modified, headers.get("Date", "")):
            validator = modified
        return cls(content_length(headers), tag, modified, validator)

    def range_headers(self, done: int) -> dict[str, str]:
        """Return the headers that ask for the rest; none if nothing proves that the rest is of the same version."""
        if not done or self.total is None or self.validator is None:
            return {}
        return {"Range": f"bytes={done}-", "If-Range": self.validator}

    def matches_range(self, done: int, headers: Headers) -> bool:
        """Return whether a 206 has the part that was asked for (Last-Modified may be absent: RFC 9110, 15.3.7)."""
        total = self.total or 0
        same = (
            headers.get("Last-Modified", self.modified) == self.modified and headers.get("ETag", self.tag) == self.tag
        )
        return same and headers.get("Content-Range") == f"bytes {done}-{total - 1}/{total}"


def _is_strong(modified: str, date: str) -> bool:
    """Return whether the file is old enough for any later change to have another date.

    One second is enough by the same clock (RFC 9110, 8.8.2.2), but a file in an object store has the store's clock.
    """
    if not (_HTTP_DATE.fullmatch(modified) and _HTTP_DATE.fullmatch(date)):
        return False
    from email.utils import parsedate_to_datetime  # imports much that only this needs

    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(modified)).total_seconds() >= SETTLED_AFTER
    except ValueError:
        return False


class _Download:
    """The progress of all attempts together."""

    def __init__(self, bound: BoundPipeline, part: PartialFile, on_progress: ProgressCallback | None) -> None:
        self.done = 0
        self.failure: PocketBaseError = PocketBaseError()
        self._joint = bound
        self._part = part
        self._on_progress = on_progress
        self._version: Validators | None = None
        self._started = False
        self._buffer = memoryview(b"")
        self._buffered = 0

    async def attempt(self, prepare: MakeCall) -> bool:
        """Try to receive the rest, and return whether the file is complete now.

        Raises:
            OSError: the file cannot be written.
            PocketBaseError: another attempt would not help.
        """
        try:
            await self._receive(await prepare())
        except PocketBaseError as error:
            if self._version is None or self.done != self._version.total:
                if not self._started or error.status not in (*RETRYABLE_STATUSES, 416):
                    raise
                if error.status == 416:
                    self._version = None
                self.failure = error
                return False
        await self._write()
        return True

    async def _receive(self, call: Call[Any]) -> None:
        request = call.request
        own_range = "Range" in request.headers
        rest = {} if self._version is None or own_range else self._version.range_headers(self.done)
        headers = Headers({"Accept-Encoding": "identity"}) | request.headers | rest
        url = self._joint.build_url(request.url)
        async with self._joint.stream(call._replace(request=request.replace(headers=headers))) as response:
            await self._begin(response, url, own_range)
            async for chunk in response.aiter_bytes():
                left = memoryview(chunk)
                while left:
                    taken = left[: len(self._buffer) - self._buffered]
                    self._buffer[self._buffered : self._buffered + len(taken)] = taken
                    self._buffered += len(taken)
                    left = left[len(taken) :]
                    if self._buffered == len(self._buffer):
                        await self._write()
                self.done += len(chunk)
                self._report_progress()
        total = None if self._version is None else self._version.total
        if total is not None and self.done != total:
            message = f"{self.done} of {total} bytes arrived"
            raise PocketBaseConnectionError(url, message=message, request_sent=True)

    async def _begin(self, response: StreamedResponse, url: str, own_range: bool) -> None:
        self._started = True
        if response.status_code == 206 and not own_range:
            if self._version is not None and self._version.matches_range(self.done, response.headers):
                return
            self._version = None
            raise PocketBaseConnectionError(url, message="another part came than was asked for", request_sent=True)
        self._version = Validators.from_headers(response.headers)
        self._buffer = memoryview(bytearray(min(self._version.total or BUFFER_SIZE, BUFFER_SIZE)))
        if self.done:  # to empty an empty file makes its closing slow on ext4
            self._buffered = self.done = 0
            await asyncio.to_thread(self._part.clear)
        self._report_progress()

    async def _write(self) -> None:
        await asyncio.to_thread(self._part.write, self._buffer[: self._buffered])
        self._buffered = 0

    def _report_progress(self) -> None:
        if self._on_progress is not None:
            total = None if self._version is None else self._version.total
            notify("a callback of on_progress", self._on_progress, self.done, total)
