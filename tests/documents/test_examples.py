"""The examples run, and their parts work as described."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from examples.bulk_import import FIELDS, write_rows
from examples.custom_middleware import Cache, RateLimit
from pocketbase_core import PocketBase, Request, Response
from pocketbase_core.testing import LocalServer
from pocketbase_transports import MockTransport

EXAMPLES = Path(__file__).parents[2] / "examples"


async def run(cwd: Path, name: str, *arguments: str) -> str:
    """Return the text that an example prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def test_the_middleware_example_shows_what_its_order_changes(tmp_path: Path) -> None:
    _, cache_outside, limit_outside = (await run(tmp_path, "custom_middleware.py")).split("read one record three times")
    for printed in (cache_outside, limit_outside):
        assert [printed.count(word) for word in ("sent", " 200", " 404")] == [2, 1, 1]
    seconds = float(limit_outside.partition("took ")[2].partition(" ")[0])
    assert seconds >= 0.7, "three of four reads wait for a quarter of a second"


async def test_the_tracing_example_makes_a_span_for_the_call_or_for_each_attempt(tmp_path: Path) -> None:
    _, of_the_call, of_attempts = (await run(tmp_path, "tracing.py")).split(": a span for")
    words = ("sent GET traced", "span GET /api/health 200", "span GET /api/health failed")
    assert [of_the_call.count(word) for word in words] == [2, 1, 0]
    assert [of_attempts.count(word) for word in words] == [2, 1, 1]


@pytest.mark.parametrize("transport", ["aiohttp", pytest.param("httpx", marks=pytest.mark.slow)])
async def test_the_live_example_shows_what_the_server_has_after_a_restart(transport: str, tmp_path: Path) -> None:
    output = await run(tmp_path, "live.py", "--transport", transport, "--seconds", "3")
    before, restarted, after = output.partition("The server was killed.\nThe server has been restarted.\n")
    assert (before, bool(restarted)) == ("", True)
    counts = re.search(
        r"flights, current\. Changes: (\d+) add, (\d+) update, (\d+) remove\n(\d+) changes were shown", after
    )
    assert counts, after
    *parts, total = map(int, counts.groups())
    assert sum(parts) == total > 5
    assert after.endswith("and the list equals get_full_list.\n")
    assert not [*tmp_path.iterdir()], "the example left files"


async def test_the_cache_keeps_responses_for_its_time_by_user_and_parameters() -> None:
    now, seen = 0.0, list[Request]()

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(404 if request.url.endswith("missing") else 200, json={"number": len(seen)})

    def client() -> PocketBase:
        return PocketBase("http://h", transport=MockTransport(handler), middleware=[cache])

    cache = Cache(10, size=2, clock=lambda: now)
    pb = client()
    notes = pb.collection("notes")
    assert [(await notes.get_one("a"))["number"] for _ in range(2)] == [1, 1]
    now = 9.9
    assert (await notes.get_one("a"))["number"] == 1
    now = 10
    assert [(await notes.get_one("a"))["number"] for _ in range(2)] == [2, 2]
    assert (await notes.get_one("a", expand="b"))["number"] == 3
    other = client()
    other.auth_store.save("token of somebody else", None)
    assert (await other.collection("notes").get_one("a"))["number"] == 4
    assert (await notes.get_one("a", expand="b"))["number"] == 3
    assert (await notes.get_one("a"))["number"] == 5, "only two were kept"
    await notes.update("a", {})
    assert (await notes.get_one("a"))["number"] == 7
    for number in (8, 9):
        await asyncio.gather(notes.get_one("missing"), return_exceptions=True)
        assert len(seen) == number
    for number in (10, 11):
        assert await pb.files.download_file("notes", "a", "x.txt") == b'{"number": %d}' % number


async def test_the_cache_forgets_what_is_read_while_something_is_written() -> None:
    async def handler(request: Request) -> Response:
        response = Response(200, json=value)
        if request.method == "GET" and not written.is_set():
            await written.wait()
        return response

    value, written = "old", asyncio.Event()
    pb = PocketBase("http://h", transport=MockTransport(handler), middleware=[Cache(10)])
    path = "/api/collections/notes/records/a"
    begun = asyncio.ensure_future(pb.send(path))
    await asyncio.sleep(0)
    await pb.send(path, method="PATCH")
    value = "new"
    written.set()
    assert [await begun, await pb.send(path)] == ["old", "new"]


async def test_the_rate_limit_spaces_requests_evenly() -> None:
    now, slept = 100.0, list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    limit = RateLimit(4, lambda: now, sleep)
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(200, json={})), middleware=[limit])
    await asyncio.gather(*(pb.health.check() for _ in range(3)))
    now = 100.6
    await pb.health.check()
    now = 200
    await pb.health.check()
    assert slept == [0, 0.25, 0.5, 0.15, 0]


async def test_the_bulk_import_reports_wrong_rows_and_stores_the_others(tmp_path: Path) -> None:
    output = await run(tmp_path, "bulk_import.py", "--rows", "300", "--size", "20")
    assert "line 101: could not convert string to float: 'old'" in output
    assert "line 151: 400" in output
    assert "email: Must be a valid email address." in output
    assert "sent 298, already stored 0, invalid 2" in output
    assert not [*tmp_path.iterdir()], "the example left files"


@asynccontextmanager
async def gate(port: int, most: int) -> AsyncGenerator[tuple[str, asyncio.Event, asyncio.Event], None]:
    """Run a proxy that forwards `most` batches to a port and holds back the next one.

    Yields the URL, an event that is set when a batch is held back, and an event to set to let the batch pass.
    """
    is_held, is_open, remaining = asyncio.Event(), asyncio.Event(), most

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal remaining
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                remaining -= data.startswith(b"POST /api/batch ")
                if remaining < 0:
                    is_held.set()
                    await is_open.wait()
                writer.write(data)
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responses, upstream = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, upstream), forward(responses, writer))

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", is_held, is_open
        finally:
            is_open.set()


async def test_a_stopped_bulk_import_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_rows(path, 400)
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.settings.update({"batch": {"enabled": True, "maxRequests": 20, "timeout": 60}})
        await pb.collections.create({"name": "people", "type": "base", "fields": FIELDS})
        # Four batches are in flight at a time, so the first is recorded before the sixth is sent.
        async with gate(int(server.url.rpartition(":")[2]), most=5) as (url, is_held, is_open):
            email, password = server.superuser
            options = ["--csv", str(path), "--url", url, "--email", email, "--password", password, "--size", "20"]

            command = [sys.executable, str(EXAMPLES / "bulk_import.py"), *options]
            first = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
            await asyncio.wait_for(is_held.wait(), 60)
            first.send_signal(signal.SIGINT)
            _, stderr = await first.communicate()
            assert (first.returncode, stderr) == (1, b"stopped; run the command again to continue\n")
            arrived = (await pb.collection("people").get_list(1, 1))["totalItems"]
            assert 0 < arrived <= 100, "five batches of twenty passed the gate"

            is_open.set()
            output = await run(tmp_path, "bulk_import.py", *options)
            sent, there = (int(output.rpartition(word)[2].partition(",")[0]) for word in ("sent ", "already stored "))
            assert sent + there == 398, "a row was lost or sent twice"
            assert 0 < there <= arrived, "the progress file is behind the server, never ahead"
            assert "sent 0, already stored 398, invalid 2" in await run(tmp_path, "bulk_import.py", *options)
        people = await pb.collection("people").get_full_list()
    assert sorted(int(each["name"].split()[1]) for each in people) == [
        number for number in range(1, 401) if number not in (133, 200)
    ]


@pytest.mark.parametrize("batches", [True, False])
async def test_a_bulk_import_of_an_edited_file_stores_the_edits_and_doubles_nothing(
    batches: bool, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    head, *rows = ["name,email,age", *(f"User {number},user{number}@example.com,{number}" for number in range(6))]
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.settings.update({"batch": {"enabled": batches, "maxRequests": 4}})
        await pb.collections.create({"name": "people", "type": "base", "fields": FIELDS})
        email, password = server.superuser
        options = ["--csv", str(path), "--url", server.url, "--email", email, "--password", password, "--key", "email"]

        async def run_with(*lines: str) -> tuple[str, list[str]]:
            path.write_text("\n".join([head, *lines]))
            output = await run(tmp_path, "bulk_import.py", *options)
            people = await pb.collection("people").get_full_list(sort="email")
            return output, [f"{each['name']},{each['email']},{each['age']}" for each in people]

        assert (await run_with(*rows))[1] == rows
        edited = [*rows[:3], "Renamed,user3@example.com,33", *rows[4:], "User 6,user6@example.com,6"]
        output, stored = await run_with(*edited)
        assert "sent 2, already stored 5, invalid 0" in output
        assert stored == edited
        output, stored = await run_with(*rows, "Again,user0@example.com,1", "Wrong,nobody,2")
        assert "line 8: the email is that of line 2" in output
        assert "line 9: 400" in output
        assert "sent 1, already stored 5, invalid 2" in output, "the row that was edited back is sent again"
        assert stored == [*rows, edited[6]]


async def test_a_bulk_import_that_cannot_succeed_does_not_advise_another_run(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("nickname\nAda\n")
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create({"name": "people", "type": "base", "fields": FIELDS})
        email, password = server.superuser
        options = ["--csv", str(path), "--url", server.url, "--email", email, "--password", password]
        command = [sys.executable, "-W", "error", str(EXAMPLES / "bulk_import.py"), *options]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "people has no fields ['nickname']\n")
