"""The examples run, and their parts work as described."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.bulk_import import PEOPLE
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
    output = await run(tmp_path, "bulk_import.py", "--rows", "300")
    assert "row 100: the server would store nothing for 'age': could not convert string to float: 'old'" in output
    assert "row 150: 400" in output
    assert "email: Must be a valid email address." in output
    assert "created 298, updated 0, failed 2" in output
    assert not [*tmp_path.iterdir()], "the example left files"


async def test_a_second_bulk_import_stores_the_edits_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create(PEOPLE)
        email, password = server.superuser
        options = ["--csv", str(path), "--url", server.url, "--email", email, "--password", password]
        path.write_text("name,email,age\nAda,ada@example.com,36\nBob,bob@example.com,1\n")
        assert "created 2, updated 0, failed 0" in await run(tmp_path, "bulk_import.py", *options)
        path.write_text("name,email,age\nAda,ada@example.com,37\nBob,bob@example.com,1,2\nCy,cy@example.com,\n")
        output = await run(tmp_path, "bulk_import.py", *options)
        assert "row 2: the collection has no field 'more cells'" in output
        assert "created 1, updated 1, failed 1" in output
        people = await pb.collection("people").get_full_list(sort="email")
        assert [(each["name"], each["age"]) for each in people] == [("Ada", 37), ("Bob", 1), ("Cy", 0)]
        path.write_text("nickname\nAda\n")
        output = await run(tmp_path, "bulk_import.py", *options)
        assert "row 1: the collection has no field 'nickname'" in output
