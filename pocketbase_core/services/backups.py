"""Backups of the whole server."""

import os
from typing import Any, Unpack

from ..calls.call import Call
from ..calls.option_texts import list_options
from ..calls.options import CommonOptions, FileOptions, OptionsArg, RecordOptions, RestoreOptions, parse_options
from ..endpoints import backups, files
from ..faces import AsyncFace, ServiceMethods, endpoint, method
from ..messages.uploads import FileUpload, ProgressCallback
from .flows.bound_pipeline import BoundPipeline
from .flows.download import download_to_file
from .flows.server_restart import restart_server


class BackupMethods(ServiceMethods):
    """The backups of the server, for superusers. The key of a backup is a file name such as `before-update.zip`."""

    @endpoint
    def get_full_list(
        self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> Call[list[dict[str, Any]]]:
        """Return all backups: `[{"key", "size", "modified"}]`, with sizes in bytes.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return backups.get_full_list(parse_options(RecordOptions, options, keywords))

    @endpoint
    def create(
        self, name: str | None = None, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[None]:
        """Create a backup, and return when it exists.

        Options: `params`, `headers`, `timeout`.

        Args:
            name: The key of the backup, matching `[a-z0-9_-]+.zip`; by default, the server chooses one.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        return backups.create(name, parse_options(CommonOptions, options, keywords))

    @endpoint
    def upload(self, file: FileUpload, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Upload a backup, which must be a ZIP file.

        Options: `params`, `headers`, `timeout`.
        """
        return backups.upload(file, parse_options(CommonOptions, options, keywords))

    @method
    async def download(self, key: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> bytes:
        """Return the content of a backup; `download_to` is for large ones.

        The option `timeout` limits all requests together.

        Options: `params`, `headers`, `timeout`.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        bound = BoundPipeline(self._pipeline, parsed)
        backups.download(key, None, parsed)  # raises for a wrong key before anything is sent
        token = await bound.execute(files.get_token(parse_options(CommonOptions, None, {})))
        return await bound.execute(backups.download(key, token, parsed))

    @method
    async def download_to(
        self,
        path: str | os.PathLike[str],
        key: str,
        on_progress: ProgressCallback | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Download a backup to `path`, as `FileService.download_to` does.

        Options: `params`, `headers`, `timeout`.

        Args:
            path: The path of the new file.
            key: The key of the backup.
            on_progress: See `FileService.download_to`.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        bound = BoundPipeline(self._pipeline, parsed, each=True)
        backups.download(key, None, parsed)  # raises for a wrong key before anything is sent

        async def prepare() -> Call[bytes]:
            token = await bound.execute(files.get_token(parse_options(CommonOptions, None, {})))
            return backups.download(key, token, parsed)

        await download_to_file(bound, prepare, path, on_progress)

    @endpoint
    def delete(self, key: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> Call[None]:
        """Delete a backup.

        Options: `params`, `headers`, `timeout`.
        """
        return backups.delete(key, parse_options(CommonOptions, options, keywords))

    @method
    async def restore(self, key: str, options: OptionsArg = None, **keywords: Unpack[RestoreOptions]) -> None:
        """Replace all data of the server by those of a backup.

        The server responds at once, and restarts about a second later. With the option `wait=True`, the method returns
        when the restored server responds; the option `timeout` limits that wait, by default to 300 seconds.

        Options: `wait`, `params`, `headers`, `timeout`.

        Raises:
            PocketBaseTimeoutError: If the server did not restart in time, as with a backup that cannot be restored.
        """
        parsed = parse_options(RestoreOptions, options, keywords)
        call = backups.restore(key, parsed)
        wait = parsed.method_options.get("wait", False)
        if not isinstance(wait, bool):
            raise TypeError(f"wait must be True or False, not {wait!r}")
        if wait:
            await restart_server(self._pipeline, call, parsed)
        else:
            await self._pipeline.execute(call)

    @list_options
    def get_download_url(self, key: str, options: OptionsArg = None, **keywords: Unpack[FileOptions]) -> str:
        """Return the absolute URL of a backup; a browser also needs the option `token`, from `files.get_token()`.

        Options: `thumb`, `token`, `download`, `params`, `headers`, `timeout`.
        """
        call = backups.download(key, None, parse_options(FileOptions, options, keywords))
        return self._pipeline.build_url(call.request.full_url)


class BackupService(BackupMethods, AsyncFace):
    """The backups of the server, for superusers. The key of a backup is a file name such as `before-update.zip`."""
