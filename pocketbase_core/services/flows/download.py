"""Downloads a file to a path, and resumes where a connection broke.

Attempts are repeated as long as they bring new bytes. The rest of a file is requested by `Range` and `If-Range`
if the first response had a strong validator (RFC 9110, 13.1.5); otherwise, or if the file has changed in the meantime,
the download starts over. The data are written to a file beside the target, which replaces the target at the end.
"""

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
from ...messages.http_date import parse_http_date
from ...messages.uploads import ProgressCallback, check_progress
from ...ports import StreamedResponse
from .block_writer import BlockWriter
from .bound_pipeline import BoundPipeline
from .partial_file import PartialFile

ATTEMPTS = 5
"""Consecutive attempts without new bytes after which the download fails."""
BACKOFF = 0.5
MAX_DELAY = 10.0
"""The base and the maximum of the delays between attempts, in seconds."""
SETTLED_AFTER = 60.0
"""Seconds after the last change of a file from which on its date identifies its version, whatever the clocks."""
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"')
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
RETRYABLE_STATUSES = (0, 502, 503, 504)
"""The statuses of a missing response, and of a proxy whose server is unavailable."""

MakeCall = Callable[[], Awaitable[Call[bytes]]]


async def download_to_file(
    bound: BoundPipeline,
    make_call: MakeCall,
    path: str | os.PathLike[str],
    on_progress: ProgressCallback | None,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Download to a file beside `path`, which replaces `path` at the end.

    Args:
        bound: Sends the requests.
        make_call: Makes the call of each attempt.
        path: The path of the new file.
        on_progress: Called as `on_progress(done, total)` with bytes, first with 0; `total` is None if the server sends
            no length. What the callback raises is logged.
        sleep: Waits between attempts.
        jitter: Returns the random part of a delay, from 0 to 1.

    Raises:
        OSError: If the file cannot be written.
        PocketBaseError: If the server refused, or `ATTEMPTS` attempts in a row brought no new bytes.
    """
    check_progress(on_progress)
    part = PartialFile(Path(path))
    try:
        await asyncio.to_thread(part.open)
        download = _Download(bound, part, on_progress)
        failures = best = 0
        while not await download.attempt(make_call):
            failures = 0 if download.done > best else failures + 1
            best = max(best, download.done)
            if failures == ATTEMPTS:
                raise download.failure
            await sleep(full_jitter(failures, BACKOFF, MAX_DELAY, jitter()))
        await asyncio.to_thread(part.finish)
    except BaseException:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, part.discard))
        raise


@dataclass(frozen=True, slots=True)
class Validators:
    """The version of a file, as the headers of a response describe it.

    `validator` is a strong validator for If-Range, which is equal only for equal bytes (RFC 9110, 8.8.1), or None.
    `total` is the size in bytes, or None.
    """

    total: int | None
    tag: str | None
    modified: str | None
    validator: str | None

    @classmethod
    def from_headers(cls, headers: Headers) -> "Validators":
        """Read the validators of a response."""
        tag, modified = headers.get("ETag"), headers.get("Last-Modified")
        validator = tag if tag is not None and _STRONG_TAG.fullmatch(tag) else None
        if validator is None and modified is not None and _is_strong(modified, headers.get("Date", "")):
            validator = modified
        return cls(content_length(headers), tag, modified, validator)

    def range_headers(self, done: int) -> dict[str, str]:
        """Return Range and If-Range headers, or {} if the download must start over for want of a validator."""
        if not done or self.total is None or self.validator is None:
            return {}
        return {"Range": f"bytes={done}-", "If-Range": self.validator}

    def matches_range(self, done: int, headers: Headers) -> bool:
        """Return whether a 206 response has the requested part (Last-Modified may be absent: RFC 9110, 15.3.7)."""
        total = self.total or 0
        same = (
            headers.get("Last-Modified", self.modified) == self.modified and headers.get("ETag", self.tag) == self.tag
        )
        return same and headers.get("Content-Range") == f"bytes {done}-{total - 1}/{total}"


def _is_strong(modified: str, date: str) -> bool:
    """Return whether the file is old enough that any later change gets another date.

    One second suffices if one clock makes both dates (RFC 9110, 8.8.2.2), but an object store has a clock of its own.
    """
    if not (_HTTP_DATE.fullmatch(modified) and _HTTP_DATE.fullmatch(date)):
        return False
    made, changed = parse_http_date(date), parse_http_date(modified)
    return made is not None and changed is not None and made - changed >= SETTLED_AFTER


class _Download:
    """The state of a download across its attempts."""

    def __init__(self, bound: BoundPipeline, part: PartialFile, on_progress: ProgressCallback | None) -> None:
        self.done = 0
        self.failure: PocketBaseError = PocketBaseError()
        self._bound = bound
        self._writer = BlockWriter(part)
        self._on_progress = on_progress
        self._version: Validators | None = None
        self._started = False

    async def attempt(self, make_call: MakeCall) -> bool:
        """Receive the rest of the file, and return whether the file is complete.

        Raises:
            OSError: If the file cannot be written.
            PocketBaseError: If another attempt would not help.
        """
        try:
            await self._receive(await make_call())
        except PocketBaseError as error:
            if self._version is None or self.done != self._version.total:
                if not self._started or error.status not in (*RETRYABLE_STATUSES, 416):
                    raise
                if error.status == 416:
                    self._version = None
                self.failure = error
                return False
        await self._writer.flush()
        return True

    async def _receive(self, call: Call[Any]) -> None:
        request = call.request
        own_range = "Range" in request.headers
        resume = {} if self._version is None or own_range else self._version.range_headers(self.done)
        headers = Headers({"Accept-Encoding": "identity"}) | request.headers | resume
        url = self._bound.build_url(request.url)
        async with self._bound.stream(call._replace(request=request.replace(headers=headers))) as response:
            await self._begin(response, url, own_range)
            async for chunk in response.aiter_bytes():
                await self._writer.add(chunk)
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
            raise PocketBaseConnectionError(
                url, message="the server sent another part of the file than was requested", request_sent=True
            )
        self._version = Validators.from_headers(response.headers)
        if self.done:  # truncating an empty file makes its closing slow on ext4
            self.done = 0
            await self._writer.clear()
        self._report_progress()

    def _report_progress(self) -> None:
        if self._on_progress is not None:
            total = None if self._version is None else self._version.total
            notify("a callback of on_progress", self._on_progress, self.done, total)
