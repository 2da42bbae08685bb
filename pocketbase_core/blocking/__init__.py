"""The client for programs without an event loop: the same names and arguments, and no `await`.

    from pocketbase_core.blocking import PocketBase

    with PocketBase("http://127.0.0.1:8090") as pb:
        for post in pb.collection("posts").iterate():
            print(post["title"])

Each method is defined once, in `pocketbase_core.services`; here is what runs it without `await`.
"""

from .client import Handler, Middleware, PocketBase
from .live import LiveQuery
from .local_server import LocalServer
from .services import AuthService, Batch, Realtime, RecordService
from .streams import EventStream, StreamedResponse

__all__ = [
    "AuthService",
    "Batch",
    "EventStream",
    "Handler",
    "LiveQuery",
    "LocalServer",
    "Middleware",
    "PocketBase",
    "Realtime",
    "RecordService",
    "StreamedResponse",
]
