"""The blocking face in tests that are written for the asynchronous one.

`BlockingPocketBase(url)` is used like an asynchronous client, and does everything with a blocking one: `await`,
`async for` and `async with` run the blocking method, iterator or context manager on a thread.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import GeneratorType
from typing import Any, Self

import pocketbase_core
from pocketbase_core import blocking, ports, testing
from pocketbase_core.blocking import services, streams
from pocketbase_core.services import backups, collections, crons, files, health, logs, settings, sql
from pocketbase_core.services.flows import pagination

FACES: dict[type, type] = {
    blocking.PocketBase: pocketbase_core.PocketBase,
    blocking.AuthService: pocketbase_core.AuthService,
    blocking.Batch: pocketbase_core.Batch,
    blocking.EventStream: pocketbase_core.EventStream,
    blocking.LiveQuery: pocketbase_core.LiveQuery,
    blocking.LocalServer: testing.LocalServer,
    blocking.Realtime: pocketbase_core.Realtime,
    blocking.RecordService: pocketbase_core.RecordService,
    blocking.StreamedResponse: ports.StreamedResponse,
    services.BackupService: backups.BackupService,
    services.CollectionService: collections.CollectionService,
    services.CronService: crons.CronService,
    services.FileService: files.FileService,
    services.HealthService: health.HealthService,
    services.LogService: logs.LogService,
    services.SettingsService: settings.SettingsService,
    services.SqlService: sql.SqlService,
    streams.RecordIterator: pagination.RecordIterator,
}
"""The asynchronous class of each class of the blocking face."""

RENAMES = {
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
"""The names of the blocking face that differ from those of the asynchronous one."""

_PROXIED = {**FACES, streams.BlockingContext: AbstractAsyncContextManager, GeneratorType: AsyncIterator}
_THREADS = ThreadPoolExecutor(64, "blocking-test")
_END = object()


async def _run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(function, *args, **kwargs))


def _as_asynchronous(value: Any) -> Any:
    face = _PROXIED.get(value.__class__)
    if face is not None:
        return AsyncProxy(value, face)
    return partial(_run, value) if inspect.isroutine(value) else value


class AsyncProxy:
    """An object of the blocking face that is used like one of the asynchronous face.

    Args:
        target: The object.
        face: The asynchronous class, which tells the coroutine functions from other methods.
    """

    def __init__(self, target: Any, face: type) -> None:
        vars(self).update(_target=target, _face=face)

    def __repr__(self) -> str:
        return repr(self._target)

    def __getattr__(self, name: str) -> Any:
        value = _THREADS.submit(getattr, self._target, RENAMES.get(name, name)).result()
        if not inspect.isroutine(value):
            return _as_asynchronous(value)
        is_asynchronous = inspect.iscoroutinefunction(inspect.getattr_static(self._face, name, None))

        async def wait(*args: Any, **kwargs: Any) -> Any:
            result = await _run(value, *args, **kwargs)
            return partial(_run, result) if callable(result) else _as_asynchronous(result)

        def call(*args: Any, **kwargs: Any) -> Any:
            return _as_asynchronous(_THREADS.submit(value, *args, **kwargs).result())

        return wait if is_asynchronous else call

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target, name, value)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await _run(next, self._target, _END)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def __aenter__(self) -> Any:
        entered = await _run(self._target.__enter__)
        return self if entered is self._target else _as_asynchronous(entered)

    async def __aexit__(self, *error: Any) -> Any:
        return await _run(self._target.__exit__, *error)


def make_blocking_client(*args: Any, **options: Any) -> Any:
    """Return a blocking client that is used like an asynchronous one."""
    return _as_asynchronous(blocking.PocketBase(*args, **options))
