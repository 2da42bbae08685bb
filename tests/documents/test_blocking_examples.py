"""The examples without `await` run, and their parts work as described."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamlit as st
from flask import g
from flask.testing import FlaskClient
from nbclient import NotebookClient
from nbformat import NotebookNode
from streamlit.testing.v1 import AppTest
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from examples.blocking import flask_app
from examples.blocking.__main__ import prepare
from pocketbase_core.blocking import LocalServer, PocketBase

pytestmark = pytest.mark.slow  # needs the extra `blocking-demo`

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "blocking"
SECURE = "https://app"
"""The cookie is for https only."""


@pytest.fixture(scope="module")
def backend() -> Generator[LocalServer, None, None]:
    with LocalServer() as server, PocketBase(server.url) as pb:
        pb.admins.auth.with_password(*server.superuser)
        prepare(pb)
        for number in range(8):
            pb.collection("users").create({"email": f"user{number}@example.com", "password": "password123"})
        yield server


@pytest.fixture
def pb(backend: LocalServer) -> Generator[PocketBase, None, None]:
    with PocketBase(backend.url) as pb:
        yield pb
        for post in pb.collection("posts").get_full_list():
            pb.collection("posts").delete(post["id"])


def run(example: str, cwd: Path) -> str:
    """Return what an example prints below the server that it runs beside."""
    command = [sys.executable, "-m", "examples.blocking", sys.executable, str(FOLDER / example)]
    # From Python 3.12 on, a fork in a process with threads, such as that of the client, is warned of.
    warnings = {"PYTHONWARNINGS": "error,ignore:This process:DeprecationWarning"}
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **warnings, "PYTHONPATH": paths, "TMPDIR": str(cwd)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [*cwd.iterdir()], "the example left files"
    return done.stdout.partition("\n")[2]


def test_the_script_loads_and_lists_records(tmp_path: Path) -> None:
    printed = run("script.py", tmp_path)
    assert "created 3\n2 ['The ferry sails again', 'A new library']\n" in printed
    assert printed.endswith(" The ferry sails again\n")


def test_parent_and_forked_children_use_one_client(tmp_path: Path) -> None:
    printed = run("worker.py", tmp_path)
    processes, jobs = zip(*re.findall(r"^process (\d+) has done (Job \d+)$", printed, re.MULTILINE), strict=True)
    assert len(jobs) == len({*jobs}) == 12
    assert 1 < len({*processes}) <= 3
    assert printed.endswith("the parent has seen each of 12 jobs done once\n")


@pytest.fixture
def visitor(pb: PocketBase, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(flask_app, "pb", pb)
    return flask_app.app.test_client()


def sign_in(visitor: FlaskClient, password: str = "password123") -> TestResponse:
    return visitor.post("/login", json={"email": "user@example.com", "password": password}, base_url=SECURE)


def test_the_flask_application_keeps_the_visitor_signed_in_by_a_cookie(visitor: FlaskClient) -> None:
    assert visitor.get("/notes", base_url=SECURE).json == []
    assert visitor.post("/notes", json={"text": "a"}, base_url=SECURE).status_code == 401
    assert sign_in(visitor).json == {"email": "user@example.com"}
    assert visitor.post("/notes", json={"text": "a"}, base_url=SECURE).status_code == 201
    assert visitor.get("/notes", base_url=SECURE).json == ["a"]
    refused = visitor.post("/notes", json={"text": ""}, base_url=SECURE)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["fields"]["text"]["message"] == "Cannot be blank."
    assert visitor.post("/logout", base_url=SECURE).status_code == 200
    assert visitor.get("/notes", base_url=SECURE).json == []


def test_the_flask_application_maps_errors_to_statuses(
    visitor: FlaskClient, backend: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = sign_in(visitor, "wrong")
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (400, False)
    sign_in(visitor)
    assert visitor.post("/notes", json={"text": "\ud800"}, base_url=SECURE).status_code == 400
    with PocketBase("http://127.0.0.1:1", middleware=[]) as down:
        monkeypatch.setattr(flask_app, "pb", down)
        assert visitor.get("/notes", base_url=SECURE).status_code == 502


def test_the_client_of_a_visitor_is_closed_after_the_request(visitor: FlaskClient) -> None:
    with visitor:
        visitor.get("/notes", base_url=SECURE)
        own: PocketBase = g.pb
    with pytest.raises(RuntimeError, match="closed"):
        own.health.check()


def test_a_threaded_server_keeps_its_visitors_apart(visitor: FlaskClient) -> None:
    server = make_server("127.0.0.1", 0, flask_app.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def visit(number: int) -> list[str]:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as browser:
            login = {"email": f"user{number}@example.com", "password": "password123"}
            cookie = browser.post("/login", json=login).headers["Set-Cookie"].partition(";")[0]
            for text in range(3):
                note = {"text": f"{text} of {number}"}
                assert browser.post("/notes", json=note, headers={"Cookie": cookie}).status_code == 201
            notes: list[str] = browser.get("/notes", headers={"Cookie": cookie}).json()
            return notes

    try:
        with ThreadPoolExecutor(8) as browsers:
            seen = [*browsers.map(visit, range(8))]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert seen == [[f"{text} of {number}" for text in range(3)] for number in range(8)]


@pytest.fixture
def page(backend: LocalServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch) -> Generator[AppTest, None, None]:
    monkeypatch.setenv("POCKETBASE_URL", backend.url)
    yield AppTest.from_file(str(FOLDER / "streamlit_page.py"), default_timeout=30)
    st.cache_resource.clear()


def test_the_streamlit_page_lists_and_adds_records(page: AppTest, pb: PocketBase) -> None:
    page.run()
    assert not page.exception
    assert page.caption[0].value == "0 posts"
    page.text_input[0].input("Written by hand")
    page.button[0].click().run()
    assert page.caption[0].value == "1 posts"
    assert page.text[0].value.endswith("  Written by hand")
    page.button[0].click().run()
    assert page.error[0].value == "Cannot be blank."
    page.button[1].click().run()
    assert not page.exception
    (bar,) = page.get("progress")
    assert (bar.proto.value, bar.proto.text) == (100, "100 posts")
    assert page.caption[0].value == "101 posts"
    assert len(pb.collection("posts").get_full_list()) == 101


def test_the_notebook_runs_from_its_first_cell_to_its_last(
    backend: LocalServer, pb: PocketBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POCKETBASE_URL", backend.url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook: Any = json.loads((FOLDER / "notebook.ipynb").read_text(encoding="utf-8"), object_hook=NotebookNode)
    for cell in notebook.cells:
        assert not cell.get("outputs"), "the file has the outputs of a run"
        cell.source = "".join(cell.source)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text") or output.data["text/plain"] + "\n" for output in outputs)
    assert printed.startswith("'API is healthy.'\n")
    assert "200 of 200\n200\n" in printed
    assert "[('Post 1', 1), ('Post 2', 2), ('Post 3', 3)]\n" in printed
    assert printed.endswith("add The last one [199, 200, 201]\n")
