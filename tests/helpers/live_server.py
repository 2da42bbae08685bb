"""Lists and realtime of a server in virtual time and without a network, and the changes that a live query reports."""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseInputError,
    Request,
    Response,
    ServerSentEvent,
)
from pocketbase_core.live.plan import SORTS_OF_TABLES
from pocketbase_transports import MockTransport

from .event_stream import Events, serve_events
from .virtual_clock import pass_time, run

Record = dict[str, Any]
DELAY = 0.01
"""Seconds that each response takes."""


class LiveServer:
    """A server whose records, responses and streams a test controls."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Record]] = {"posts": {}, "users": {}, "comments": {}, "view": {}}
        """The records of each collection by their ids, in the order of their creation."""
        self.hides: Callable[[str, Record], bool] = lambda token, record: False
        """Whether the user with this token may not see a record of `posts`."""
        self.has_row_order = True
        """Whether lists can be sorted by `@rowid`. If not, the client refuses that, as it does for PocketBase 0.22."""
        self.max_page = 1000
        """The largest page that the server returns to a request for more than 100 records."""
        self.lists: list[dict[str, Any]] = []
        """The query parameters of each request for a list."""
        self.responses: list[Response | Exception] = []
        """The next responses to requests for lists, or what these raise."""
        self.refuse_at = -1
        """The number of the request for a list that is refused with 404."""
        self.may_respond = asyncio.Event()
        """Set while the server responds to requests for lists."""
        self.may_respond.set()
        self.refused = "no topic"
        """A submission of a topic that contains this text is refused."""
        self.refused_status = 400
        self.topics: list[str] = []
        """The topics that were submitted last."""
        self.streams: list[Events] = []
        self.connects = 0
        self.is_up = True
        self.pb = PocketBase("http://h", transport=MockTransport(self.respond, self.events), middleware=[])

    async def respond(self, request: Request) -> Response:
        """Respond to a request other than that for the stream."""
        await pass_time(DELAY)
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down")
        if request.url.endswith("/api/files/token"):
            return Response(200, json={"token": "file"})
        if request.url.endswith("/api/realtime"):
            body: Any = request.body
            if any(self.refused in topic for topic in body["subscriptions"]):
                return refusal(self.refused_status)
            self.topics = [*body["subscriptions"]]
            return Response(204)
        self.lists.append(dict(request.params or {}))
        if len(self.lists) == self.refuse_at + 1:
            return refusal(404)
        await self.may_respond.wait()
        response = self.responses.pop(0) if self.responses else self.list_records(request)
        if isinstance(response, Exception):
            raise response
        return response

    def list_records(self, request: Request) -> Response:
        """Return a page of a list."""
        params: Any = request.params
        collection = request.url.split("/")[-2]
        if "@rowid" in params.get("sort", "") and not self.has_row_order:
            raise PocketBaseInputError("PocketBase 0.22 does not support @rowid")
        if collection == "view" and params.get("sort") in SORTS_OF_TABLES:
            return refusal(400)
        token = request.headers.get("Authorization", "")
        rows = [row for row in [*self.records[collection].values()] if not self.hides(token, row)]
        rows = [row for row in rows if matches(row, params.get("filter", ""))]
        for key in reversed(params.get("sort", "").split(",")):
            name = key.lstrip("-")
            if name and params["sort"] not in SORTS_OF_TABLES:
                rows.sort(key=lambda row: self.value(row, name), reverse=key.startswith("-"))
        size = int(params["perPage"])
        size = size if size <= 100 else min(size, self.max_page)
        begin = (int(params["page"]) - 1) * size
        items = [self.shown(row, params) for row in rows[begin : begin + size]]
        total = -1 if params.get("skipTotal") else len(rows)
        page = {"page": int(params["page"]), "perPage": size, "totalItems": total, "totalPages": -1, "items": items}
        return Response(200, json=page)

    def value(self, row: Record, key: str) -> Any:
        """Return what a record is sorted by: a field, or a field of its author."""
        relation, _, name = key.rpartition(".")
        return self.records["users"][row[relation]][name] if relation else row[name]

    def shown(self, row: Record, params: dict[str, str]) -> Record:
        """Return a record as the server sends it."""
        expand: dict[str, Any] = {}
        for segment in filter(None, params.get("expand", "").split(",")):
            collection, via, field = segment.partition("_via_")
            if via:
                expand[segment] = [each for each in self.records[collection].values() if each[field] == row["id"]]
            elif row.get(segment) in self.records["users"]:
                expand[segment] = {"collectionName": "users", **self.records["users"][row[segment]]}
        fields = [*filter(None, params.get("fields", "").split(","))]
        shown = {name: value for name, value in row.items() if not fields or name in fields}
        return {**shown, "expand": expand} if expand and not fields else shown

    async def events(self, request: Request) -> AsyncGenerator[ServerSentEvent, None]:
        """Yield the events of one stream, which the server ends after 300 s without an event."""
        await pass_time(DELAY)
        if not self.is_up:
            raise PocketBaseConnectionError(request.url, message="down")
        self.connects += 1
        stream: Events = asyncio.Queue()
        self.streams.append(stream)
        try:
            async with aclosing(serve_events(request.url, f"c{self.connects}", stream)) as served:
                async for event in served:
                    yield event
        finally:
            self.streams.remove(stream)

    def add(self, collection: str, record_id: str, **values: Any) -> None:
        """Create a record without an event."""
        self.records[collection][record_id] = {"id": record_id, **values}

    def save(self, collection: str, record_id: str, **values: Any) -> None:
        """Create or update a record."""
        present = self.records[collection].get(record_id)
        record = {**(present or {}), "id": record_id, **values}
        self.records[collection][record_id] = record
        self.emit(collection, "update" if present else "create", record)

    def delete(self, collection: str, record_id: str) -> None:
        """Delete a record."""
        self.emit(collection, "delete", self.records[collection].pop(record_id))

    def emit(self, collection: str, action: str, record: object) -> None:
        """Send an event to all streams."""
        self.send(collection, json.dumps({"action": action, "record": record}))

    def send(self, collection: str, data: str) -> None:
        """Send a message of the topics of a collection."""
        for topic in self.topics:
            if topic.startswith(f"{collection}/*"):
                for stream in self.streams:
                    stream.put_nowait(ServerSentEvent(topic, data))

    def crash(self) -> None:
        """Break all streams, and refuse connections until `is_up` is set."""
        self.is_up = False
        for stream in self.streams:
            stream.put_nowait(None)


def matches(row: Record, expression: str) -> bool:
    """Return whether a record matches a filter of `n < NUMBER` and conditions on the id and `updated`."""
    ids: list[str] = re.findall(r'id = "([^"]*)"', expression)
    below = re.search(r"n < (\d+)", expression)
    after = re.search(r'id (>=?) "([^"]*)"', expression)
    end = re.search(r'id < "([^"]*)"', expression)
    since = re.search(r'updated >= "([^"]*)"', expression)
    return (
        (not ids or row["id"] in ids)
        and (below is None or row["n"] < int(below[1]))
        and (end is None or row["id"] < end[1])
        and (since is None or row["updated"] >= since[1])
        and (after is None or row["id"] > after[2] or (after[1] == ">=" and row["id"] == after[2]))
    )


def refusal(status: int) -> Response:
    """Return a response with which PocketBase refuses a request."""
    return Response(status, json={"status": status, "message": "No.", "data": {}})


Scenario = Callable[[LiveServer], Awaitable[None]]
WithLiveServer = Callable[[Scenario], None]


@pytest.fixture
def with_live_server(monkeypatch: pytest.MonkeyPatch) -> WithLiveServer:
    """Return a function that runs a scenario in virtual time, and checks that no task is left."""

    def run_with_server(scenario: Scenario) -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            monkeypatch.setattr(time, "time", lambda: 1e9 + loop.time())
            monkeypatch.setattr(random, "random", lambda: 1.0)  # each wait is as long as it may be
            server = LiveServer()
            for number, name in enumerate("cab"):
                server.add("posts", name, n=number)
            async with asyncio.timeout(2000):  # in virtual time
                await scenario(server)
                await server.pb.aclose()
            assert len(asyncio.all_tasks()) == 1

        run(main())

    return run_with_server
