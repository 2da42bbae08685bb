"""The measurements, by name."""

from collections.abc import Awaitable, Callable

from ..runner import Runner
from . import (
    blocking,
    clients,
    decoding,
    files,
    growth,
    imports,
    lists,
    live,
    loops,
    middleware,
    realtime,
    requests,
    writes,
)

MEASUREMENTS: dict[str, Callable[[Runner], Awaitable[None]]] = {
    "requests": requests.measure,
    "blocking": blocking.measure,
    "loops": loops.measure,
    "lists": lists.measure,
    "decoding": decoding.measure,
    "writes": writes.measure,
    "realtime": realtime.measure,
    "live": live.measure,
    "middleware": middleware.measure,
    "clients": clients.measure,
    "imports": imports.measure,
    "files": files.measure,
    "growth": growth.measure,
}
