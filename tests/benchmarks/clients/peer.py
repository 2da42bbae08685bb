"""The client of another Python SDK. Both SDKs are imported as `pocketbase`."""

from importlib import import_module
from typing import Any

from .worker import Job

_clients: dict[str, Any] = {}


def collection(job: Job, name: str) -> Any:
    """Return a collection of the client for the server of the job."""
    if job.url not in _clients:
        _clients[job.url] = import_module("pocketbase").PocketBase(job.url)
    return _clients[job.url].collection(name)
