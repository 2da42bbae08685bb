"""Rows, files and progress of the blocking client, on a real server."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import FileUpload
from pocketbase_core.blocking import LocalServer, PocketBase
from pocketbase_core.testing.contract import MakeTransport

HOOKS = """routerAdd("POST", "/echo", (e) => e.string(200, toString(e.request.body)))"""
FIELDS = [{"name": "n", "type": "number"}, {"name": "doc", "type": "file", "maxSize": 10_000_000}]


@pytest.fixture(scope="module")
def server() -> Generator[LocalServer, None, None]:
    with LocalServer(hooks=HOOKS) as running, PocketBase(running.url) as pb:
        pb.admins.auth.with_password(*running.superuser)
        pb.settings.update({"batch": {"enabled": True}})
        for name in ("source", "target"):
            pb.collections.create({"name": name, "type": "base", "fields": FIELDS})
        yield running


@pytest.fixture
def pb(server: LocalServer, make_transport: MakeTransport) -> Generator[PocketBase, None, None]:
    with PocketBase(server.url, transport=make_transport()) as client:
        client.admins.auth.with_password(*server.superuser)
        for name in ("source", "target"):
            client.collections.truncate(name)
        yield client


class OnThisThread:
    """A callback that notes its arguments, and that this thread has called it."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> None:
        assert threading.current_thread() is self.thread
        self.calls.append(arguments)


def test_rows_may_come_from_a_generator_and_from_another_collection(pb: PocketBase) -> None:
    progress, thread = OnThisThread(), threading.current_thread()

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(250):
            assert threading.current_thread() is thread
            yield {"n": number}

    source, target = pb.collection("source"), pb.collection("target")
    result = source.create_many(rows(), on_progress=progress)
    assert (result.created, result.failed) == (250, [])
    assert progress.calls[-1] == (250, None)
    copied = target.create_many({"n": record["n"]} for record in source.iterate(100))
    assert copied.created == 250
    assert sorted(record["n"] for record in target.get_full_list()) == [*range(250)]


def test_the_error_of_a_generator_of_rows_is_raised(pb: PocketBase) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"n": 1}
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        pb.collection("target").create_many(rows())


def test_files_report_their_progress_on_the_calling_thread(pb: PocketBase, tmp_path: Path) -> None:
    sent, received = OnThisThread(), OnThisThread()
    content = bytes(3_000_000)
    record = pb.collection("source").create({"doc": FileUpload(("a.bin", content), on_progress=sent)})
    assert sent.calls[-1][0] >= len(content)
    pb.files.download_to(tmp_path / "a.bin", "source", record["id"], record["doc"], on_progress=received)
    assert received.calls[-1] == (len(content), len(content))
    assert (tmp_path / "a.bin").read_bytes() == content
    with pb.files.stream("source", record["id"], record["doc"]) as response:
        assert response.status_code == 200
        assert int(response.headers["content-length"]) == sum(map(len, response.iter_bytes())) == len(content)


def test_a_raw_body_may_be_a_generator(pb: PocketBase) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a,b\n"
        yield pb.health.check()["message"].encode()

    response = pb.send_raw("/echo", method="POST", body=chunks(), headers={"Content-Type": "text/csv"})
    assert response.text == "a,b\nAPI is healthy."


def test_records_are_exported_and_imported(pb: PocketBase, tmp_path: Path) -> None:
    source, target, progress = pb.collection("source"), pb.collection("target"), OnThisThread()
    source.create_many([{"n": number} for number in range(120)])
    assert source.export(tmp_path / "rows.jsonl", on_progress=progress) == 120
    assert target.import_(tmp_path / "rows.jsonl", on_progress=progress).created == 120
    assert progress.calls[-1] == (120, None)


def test_events_live_queries_and_callbacks_follow_the_server(pb: PocketBase) -> None:
    source = pb.collection("source")
    called, got = threading.Event(), list[Any]()

    def on_change(change: Any) -> None:
        got.append(change.action)
        called.set()

    with source.live(filter="n > 1") as live, source.events() as events:
        remove = live.on_change(on_change)
        record = source.create({"n": 2})
        assert live.next(timeout=10).record == record
        assert called.wait(10)
        assert [*live.items] == [*reversed([*reversed(live.items)])] == [record]
        assert (len(live), live.get(record["id"]), live.items[0], live.is_current) == (1, record, record, True)
        remove()
        source.update(record["id"], {"n": 1})
        assert next(live).action == "remove"
        live.refresh()
        assert ([*live.items], len(live.items), bool(live), live.error) == ([], 0, True, None)
        received: list[Any] = [events.next(timeout=10) for _ in range(2)]
        with pytest.raises(TimeoutError, match=r"nothing has arrived within 0\.01 s"):
            live.next(timeout=0.01)
    assert ([each["action"] for each in received], got) == (["create", "update"], ["add"])
    assert [*events] == []
    assert live.is_current is False
    with pytest.raises(RuntimeError, match="entered once"), live:
        raise AssertionError


def test_the_items_of_a_live_query_stay_when_its_client_is_closed(server: LocalServer, pb: PocketBase) -> None:
    record = pb.collection("source").create({"n": 3})
    with PocketBase(server.url, auth_store=pb.auth_store) as other, other.collection("source").live() as live:
        other.close()
        assert ([*live.items], live.is_current) == ([record], False)


def test_a_server_can_be_restarted(server: LocalServer) -> None:
    with PocketBase(server.url) as pb:
        server.restart()
        assert pb.health.check()["code"] == 200
