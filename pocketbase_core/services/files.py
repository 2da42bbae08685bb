"""Stored files."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack, overload

from ..calls.call import Call
from ..calls.options import CommonOptions, FileOptions, OptionsArg, parse_options
from ..endpoints import files
from ..messages.uploads import ProgressCallback
from ..ports import StreamedResponse
from .faces import AsyncFace, endpoint
from .flows.bound_pipeline import BoundPipeline
from .flows.download import download_to_file


class FileService(AsyncFace):
    """The files of records."""

    @overload
    def get_url(
        self,
        collection: Mapping[str, Any] | files.HasId,
        record_id: str,
        filename: Mapping[str, Any] | None = None,
        options: None = None,
        **keywords: Unpack[FileOptions],
    ) -> str: ...
    @overload
    def get_url(
        self,
        collection: str,
        record_id: str,
        filename: str,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> str: ...
    def get_url(
        self,
        collection: str | Mapping[str, Any] | files.HasId,
        record_id: str,
        filename: str | Mapping[str, Any] | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> str:
        """Return the absolute URL of a file: `get_url(collection, record_id, filename)` or `get_url(record, filename)`.

        A record is a dict, or has `id` and `collectionId` or `collectionName` as attributes, in snake case too. The URL
        is `""` where the file name is, as with a record whose file field is empty.

        Raises:
            TypeError: a part is missing.
        """
        if not isinstance(collection, str):
            if isinstance(filename, str):
                raise TypeError("get_url takes (collection, record_id, filename) or (record, filename)")
            options, filename = filename if options is None else options, record_id
        if not isinstance(filename, str):
            what = "is missing" if filename is None else f"must be text, not {type(filename).__name__}"
            raise TypeError(
                f"a file name {what}: get_url takes (collection, record_id, filename) or (record, filename)"
            )
        if not filename:
            return ""
        if not isinstance(collection, str):
            collection, record_id = files.collection_and_id(collection)
        call = files.download(collection, record_id, filename, parse_options(FileOptions, options, keywords))
        return self._pipeline.build_url(call.request.full_url)

    @endpoint
    def get_token(self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[str]:
        """Return a token for protected files, for the option `token`; the token lives for about three minutes."""
        return files.get_token(parse_options(CommonOptions, options, keywords))

    @endpoint
    def download_file(
        self,
        collection: str,
        record_id: str,
        filename: str,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> Call[bytes]:
        """Return the file's content."""
        settings = parse_options(FileOptions, options, keywords)
        return files.download(collection, record_id, filename, settings)

    async def download_to(
        self,
        path: str | os.PathLike[str],
        collection: str,
        record_id: str,
        filename: str,
        on_progress: ProgressCallback | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> None:
        """Write the file to `path`, which changes only when all of it has arrived; a broken download goes on.

        `on_progress(done, total)` is told bytes; total is None when the server does not say. What it raises is logged.
        `timeout` is for each wait for the server. A file that exists keeps its mode.

        Raises:
            OSError: the file cannot be written.
        """
        settings = parse_options(FileOptions, options, keywords)
        call = files.download(collection, record_id, filename, settings)

        async def prepare() -> Call[bytes]:
            return call

        await download_to_file(BoundPipeline(self._pipeline, settings, each=True), prepare, path, on_progress)

    def stream(
        self,
        collection: str,
        record_id: str,
        filename: str,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Stream a file: `async with … as response: async for chunk in response.aiter_bytes()`."""
        settings = parse_options(FileOptions, options, keywords)
        return self._pipeline.stream(files.download(collection, record_id, filename, settings))
