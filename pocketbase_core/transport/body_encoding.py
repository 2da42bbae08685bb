"""Encode the body of a request: as it is, as JSON, or as multipart/form-data if there are files."""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NamedTuple

from ..concurrency.callbacks import notify
from ..input_errors import PocketBaseInputError
from ..messages.json_values import JsonDumps, default_dumps, thaw_json
from ..messages.uploads import File, UploadProgress

# The encoding of names in WHATWG's form data; RFC 7578, 4.2 leaves non-ASCII as UTF-8. The server refuses all control
# characters, and reads a backslash as the start of a quoted pair (RFC 9110, 5.6.4).
_QUOTED = str.maketrans({chr(code): f"%{code:02X}" for code in (*range(32), ord('"'), 127)} | {"\\": "\\\\"})


class EncodedBody(NamedTuple):
    """An encoded body."""

    content_type: str | None
    """None if there is no body, or if the body is raw and the caller has set the header."""
    length: int | None
    """The length in bytes. None: unknown."""
    chunks: AsyncGenerator[bytes, None]
    """The content, which can be read once."""


async def encode_body(body: Any, files: tuple[tuple[str, File], ...], dumps: JsonDumps = default_dumps) -> EncodedBody:
    """Encode a body. With files, all other fields are sent as one part `@jsonPayload`, which keeps their types.

    Args:
        body: The fields or another JSON value; bytes, or a `File`, which are sent as they are. None: no body.
        files: The names of file fields, and their files.
        dumps: Encodes JSON.

    Raises:
        ValueError: If a text is not valid Unicode, or `dumps` cannot encode a value.
        OSError: If a file cannot be read.
    """
    if files:
        return await _multipart(body, files, dumps)
    if body is None:
        return EncodedBody(None, 0, _single_chunk(b""))
    if isinstance(body, bytes):
        return EncodedBody(None, len(body), _single_chunk(body))
    if isinstance(body, File):
        size = await body.size()
        return EncodedBody(body.content_type or None, size, _chunks([(b"", body, size)], b""))
    content = _json(body, dumps)
    return EncodedBody("application/json", len(content), _single_chunk(content))


def _json(body: Any, dumps: JsonDumps) -> bytes:
    try:
        content: object = dumps(thaw_json(body))
        if isinstance(content, str):
            content = content.encode()
    except UnicodeEncodeError as error:
        raise PocketBaseInputError("the body holds a lone surrogate, which is not valid Unicode text") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # each JSON library has limits of its own
        raise PocketBaseInputError(f"the body cannot be written as JSON: {error}") from error
    if not isinstance(content, bytes):
        raise TypeError(f"json_dumps returned {type(content).__name__}, not str or bytes")
    return content


async def _single_chunk(content: bytes) -> AsyncGenerator[bytes, None]:
    if content:
        yield content


async def _multipart(body: Any, files: tuple[tuple[str, File], ...], dumps: JsonDumps) -> EncodedBody:
    boundary = os.urandom(16).hex()
    parts: list[tuple[bytes, File, int | None]] = []
    if body is not None:
        parts.append(await _part(f"--{boundary}", "@jsonPayload", File("", _json(body, dumps), "application/json")))
    for name, file in files:
        parts.append(await _part(f"\r\n--{boundary}" if parts else f"--{boundary}", name, file))
    end = f"\r\n--{boundary}--\r\n".encode()

    length: int | None = len(end)
    for head, _, size in parts:
        length = None if length is None or size is None else length + len(head) + size
    return EncodedBody(f"multipart/form-data; boundary={boundary}", length, _chunks(parts, end))


class _ProgressCounter:
    """The bytes of one upload that have been sent in one request."""

    def __init__(self, progress: UploadProgress) -> None:
        self._on_progress = progress.on_progress
        self._done = 0
        self._total: int | None = 0

    def add_expected(self, size: int | None) -> None:
        self._total = None if self._total is None or size is None else self._total + size

    def add(self, sent: int) -> None:
        self._done += sent
        notify("a callback of on_progress", self._on_progress, self._done, self._total)


async def _part(delimiter: str, name: str, file: File) -> tuple[bytes, File, int | None]:
    filename = f'; filename="{file.filename.translate(_QUOTED)}"' if file.filename else ""
    head = (
        f'{delimiter}\r\nContent-Disposition: form-data; name="{name.translate(_QUOTED)}"{filename}\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    return head.encode(), file, await file.size()


async def _chunks(parts: list[tuple[bytes, File, int | None]], end: bytes) -> AsyncGenerator[bytes, None]:
    counts: dict[UploadProgress, _ProgressCounter] = {}
    for _, file, size in parts:
        if file.progress is not None:
            counts.setdefault(file.progress, _ProgressCounter(file.progress)).add_expected(size)
    for count in counts.values():
        count.add(0)
    for head, file, size in parts:
        if head:
            yield head
        sent = 0
        async with aclosing(file.chunks()) as chunks:
            async for chunk in chunks:
                sent += len(chunk)
                if size is not None and sent > size:
                    break
                yield chunk
                if file.progress is not None:
                    counts[file.progress].add(len(chunk))
        if size is not None and sent != size:
            raise OSError(f"{file.filename!r} changed while it was being sent")
    if end:
        yield end
