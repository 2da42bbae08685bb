"""A server that responds at once with prepared JSON, so that only the client is measured: `python -m …responder`."""

import asyncio
import json
import os
import re
import sys
from functools import cache

RECORD = {
    "collectionId": "pbc_1125843985",
    "collectionName": "posts",
    "created": "2024-01-02 03:04:05.678Z",
    "data": {"tags": ["a", "b"], "views": 17},
    "id": "abcdefghijklmno",
    "n": 42,
    "title": "A title of the usual length",
    "updated": "2024-01-02 03:04:05.678Z",
    "yes": True,
}
_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n\r\n"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PAGE = re.compile(rb"/list(\d+)/records\?(?:\S*&)?page=(\d+)")
_PAGE_SIZE = re.compile(rb"[?&]perPage=(\d+)")
_AFTER = re.compile(rb"id\+?(?:%20)*%3E\+?(?:%20)*(?:%22|%27|')r(\d+)")
_EVENTS = re.compile(rb"GET \S*/events/(\d+)(/api/realtime)? ")


class Responder(asyncio.Protocol):
    """Responds with a record, a page of a list, or a stream of events.

    The number of records is part of the collection's name (`list50000`), and the number of events is part of the path
    (`/events/1000`). With `/events/1000` as base URL, the events are those of realtime.
    """

    def __init__(self) -> None:
        self._waiting = b""
        self._remaining = 0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._waiting + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            size = _LENGTH.search(head)
            whole = end + 4 + (int(size[1]) if size else 0)
            if len(data) < whole:
                break
            data = data[whole:]
            self._respond(head)
        self._waiting = data

    def _respond(self, head: bytes) -> None:
        line = head.partition(b"\r\n")[0]
        if page := _PAGE.search(line):
            size = _PAGE_SIZE.search(line)
            per_page = int(size[1]) if size else 30
            after = _AFTER.search(line)
            first = int(after[1]) if after else (int(page[2]) - 1) * per_page
            self._transport.write(_page(int(page[1]), first, per_page))
        elif events := _EVENTS.search(line):
            self._remaining = int(events[1])
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            if events[2]:
                self._transport.write(b"%x\r\n%s\r\n" % (len(_CONNECT), _CONNECT))
            self.resume_writing()
        else:
            self._transport.write(_RECORD_RESPONSE)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        while self._remaining and not self._paused:
            count = min(self._remaining, 50)
            self._remaining -= count
            block = _EVENT * count
            self._transport.write(b"%x\r\n%s\r\n" % (len(block), block))
            if not self._remaining:
                self._transport.write(b"0\r\n\r\n")


def _encoded(value: object) -> bytes:
    content = json.dumps(value, separators=(",", ":")).encode()
    return _HEAD.format(len(content)).encode() + content


@cache
def _page(total: int, first: int, size: int) -> bytes:
    size = min(size, 1000)
    numbers = range(first + 1, min(first + size, total) + 1)
    items = [RECORD | {"id": f"r{number:014}"} for number in numbers]
    return _encoded({"items": items, "page": 1, "perPage": size, "totalItems": -1, "totalPages": -1})


_RECORD_RESPONSE = _encoded(RECORD)
_DATA = json.dumps({"action": "update", "record": RECORD}, separators=(",", ":"))
_CONNECT = b'event:PB_CONNECT\ndata:{"clientId":"c"}\n\n'
_EVENT = f"id:abcdefghijklmnopqrstuvwxyzabcdefghijklmn\nevent:posts/*\ndata:{_DATA}\n\n".encode()


async def main() -> None:
    """Print the port, and serve until standard input ends."""
    if hasattr(os, "sched_setaffinity") and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(0, cores[:1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Responder, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
