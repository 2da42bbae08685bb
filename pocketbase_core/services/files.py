"""Stored files."""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Unpack, overload

from ..calls.call import Call
from ..calls.option_texts import list_options
from ..calls.options import CommonOptions, FileOptions, OptionsArg, parse_options
from ..endpoints import files
from ..faces import AsyncFace, ServiceMethods, endpoint, method
from ..messages.uploads import ProgressCallback
from ..ports import StreamedResponse
from .flows.bound_pipeline import BoundPipeline
from .flows.download import download_to_file


class FileMethods(ServiceMethods):
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
    @list_options
    def get_url(
        self,
        collection: str | Mapping[str, Any] | files.HasId,
        record_id: str,
        filename: str | Mapping[str, Any] | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> str:
        """Return the absolute URL of a file: `get_url(collection, record_id, filename)` or `get_url(record, filename)`.

        A record is a dict, or an object with the attributes `id` and `collectionId` or `collectionName`, or these in
        snake case. If the file name is empty, as an empty file field is, the URL is `""`.

        Options: `thumb`, `token`, `download`, `params`, `headers`, `timeout`.

        Args:
            collection: The id or name of the collection; or a record.
            record_id: The id of the record; or the file name, after a record.
            filename: The file name; or the options, after a record.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            TypeError: If an argument is missing.
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
        """Return a token for the option `token` of protected files. The token is valid for about three minutes.

        Options: `params`, `headers`, `timeout`.
        """
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
        """Return the content of a file; `download_to` is for large ones.

        Options: `thumb`, `token`, `download`, `params`, `headers`, `timeout`.

        Args:
            collection: The id or name of the collection.
            record_id: The id of the record.
            filename: The name of the file.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(FileOptions, options, keywords)
        return files.download(collection, record_id, filename, parsed)

    @method
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
        """Download a file to `path`, which is replaced once the whole file has arrived. A broken download is resumed.

        The option `timeout` limits each wait for the server. An existing file keeps its mode.

        Options: `thumb`, `token`, `download`, `params`, `headers`, `timeout`.

        Args:
            path: The path of the new file.
            collection: The id or name of the collection.
            record_id: The id of the record.
            filename: The name of the file.
            on_progress: Called as `on_progress(done, total)` with bytes; `total` is None if the server sends no length.
                What the callback raises is logged.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            OSError: If the file cannot be written.
        """
        parsed = parse_options(FileOptions, options, keywords)
        call = files.download(collection, record_id, filename, parsed)

        async def prepare() -> Call[bytes]:
            return call

        await download_to_file(BoundPipeline(self._pipeline, parsed, each=True), prepare, path, on_progress)

    @method
    def stream(
        self,
        collection: str,
        record_id: str,
        filename: str,
        options: OptionsArg = None,
        **keywords: Unpack[FileOptions],
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Stream a file: `async with files.stream(…) as response: async for chunk in response.aiter_bytes()`.

        Options: `thumb`, `token`, `download`, `params`, `headers`, `timeout`.

        Args:
            collection: The id or name of the collection.
            record_id: The id of the record.
            filename: The name of the file.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(FileOptions, options, keywords)
        return self._pipeline.stream(files.download(collection, record_id, filename, parsed))


class FileService(FileMethods, AsyncFace):
    """The files of records."""
