"""Many records of one collection: written in batches, exported to a file, and imported."""

import os
from collections.abc import AsyncIterable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, FirstOptions, OptionsArg, parse_options
from ..concurrency.event_loops import start_lock
from ..faces import ServiceMethods, method
from ..messages.instances import Body
from ..messages.uploads import ProgressCallback
from .flows.bound_pipeline import BoundPipeline
from .flows.password_confirmation import PasswordConfirmation

if TYPE_CHECKING:
    from .bulk.json_lines import ReadableFile, WritableFile
    from .bulk.result import BulkResult
    from .bulk.writer import Confirm


class ManyRecords(ServiceMethods):
    """The methods for many records of one collection."""

    _collection: str
    _passwords: PasswordConfirmation

    @method
    async def create_many(
        self,
        rows: Iterable[Body] | AsyncIterable[Body],
        key: str | None = None,
        batch: int | None = None,
        on_progress: ProgressCallback | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> "BulkResult":
        """Create a record of each row, in batches that are as large as the server allows, several at a time.

        No row is stored twice, also if a response is lost. A row that the server refuses, or that cannot be sent, is in
        `failed` of the result; all others are stored. If a run was interrupted, run it again with a `key`.

        Options: `params`, `headers`, `timeout`.

        Args:
            rows: Bodies as for `create`, from any iterable, also an asynchronous one. Only the rows of the batches in
                progress are in memory.
            key: A unique field, whose value identifies a record. A row whose record exists updates the record.
            batch: The largest number of rows in one request. By default, it is the server's limit if the user is a
                superuser, and 50 otherwise. If the server has batches disabled, each row is a request.
            on_progress: Called as `on_progress(done, total)` with numbers of rows; `total` is None if `rows` has no
                length. What the callback raises is logged.
            options: The options as a dict. `timeout` limits each request.
            **keywords: The options as keyword arguments.

        Raises:
            ValueError: If an argument is wrong, or two records have the same key.
            PocketBaseError: If the user may not write to the collection, or the server is down for about a minute.
        """
        with start_lock:
            from .bulk.create_many import create_many
        bound = BoundPipeline(self._pipeline, parse_options(CommonOptions, options, keywords), each=True)
        return await create_many(bound, self._confirm(bound), self._collection, rows, key, batch, on_progress)

    @method
    async def export(
        self,
        path_or_file: "str | os.PathLike[str] | WritableFile",
        batch: int = 500,
        on_progress: ProgressCallback | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[FirstOptions],
    ) -> int:
        """Write all records to a file, as a line of JSON each, and return their number. Memory does not grow.

        Without a `sort`, each record that exists throughout is written exactly once, in the order of the ids; see
        `iterate`. The lines lack `collectionId` and `collectionName`. Files are exported by their names only.

        Options: `filter`, `sort`, `expand`, `fields`, `params`, `headers`, `timeout`.

        Args:
            path_or_file: The path of the file, which is replaced once all is written, or a file that is open for
                writing, as text or as bytes.
            batch: Records a request.
            on_progress: Called as `on_progress(done, None)` with the number of records written.
            options: The options as a dict. `timeout` limits each request.
            **keywords: The options as keyword arguments.

        Raises:
            OSError: If the file cannot be written.
        """
        with start_lock:
            from .bulk.json_lines import export
        parsed = parse_options(FirstOptions, options, keywords)
        return await export(self._pipeline, self._collection, path_or_file, batch, on_progress, parsed)

    @method
    async def import_(
        self,
        path_or_file: "str | os.PathLike[str] | ReadableFile",
        key: str | None = None,
        batch: int | None = None,
        on_progress: ProgressCallback | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> "BulkResult":
        """Write the records of a file with lines of JSON, such as `export` writes, as `create_many` does.

        A record whose id exists is updated. A line without an `id` gets one that depends on the line and its number,
        so that importing a file twice stores nothing twice. A run that was interrupted continues where it stopped: a
        second file, with `.progress` after the name of the first one, says how far it came, until the import is
        complete.

        Options: `params`, `headers`, `timeout`.

        Args:
            path_or_file: The path of the file, or a file that is open for reading, whose import always begins anew.
            key: Another unique field than `id`, by which the records that exist are found.
            batch: See `create_many`.
            on_progress: Called as `on_progress(done, None)` with the number of lines that are done in this run.
            options: The options as a dict. `timeout` limits each request.
            **keywords: The options as keyword arguments.

        Raises:
            OSError: If the file cannot be read.
            PocketBaseError: See `create_many`.
        """
        with start_lock:
            from .bulk.json_lines import import_lines
        bound = BoundPipeline(self._pipeline, parse_options(CommonOptions, options, keywords), each=True)
        return await import_lines(bound, self._confirm(bound), self._collection, path_or_file, key, batch, on_progress)

    def _confirm(self, bound: BoundPipeline) -> "Confirm":
        async def confirm(calls: Sequence[Call[Any]]) -> list[Call[Any]]:
            return await self._passwords.confirm(bound, [(self._collection, call) for call in calls])

        return confirm
