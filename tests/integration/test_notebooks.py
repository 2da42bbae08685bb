"""The blocking client in the kernel of a notebook, where the kernel's event loop is running."""

import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from pocketbase_core.blocking import LocalServer

pytestmark = pytest.mark.slow  # needs the extra `blocking-demo`

LIMIT = 60
CLIENT = """
import asyncio, json, threading
from pocketbase_core.blocking import PocketBase

pb = PocketBase({url!r})
pb.admins.auth.with_password(*{superuser!r})
"""


class Notebook:
    """A notebook whose kernel has a client."""

    def __init__(self, server: LocalServer, folder: Path) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(env={**os.environ, "IPYTHONDIR": str(folder)})
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)
        self.run(CLIENT.format(url=server.url, superuser=tuple(server.superuser)))

    def run(self, code: str, subshell: str | None = None, on_output: Callable[[], object] | None = None) -> Any:
        """Run a cell, and return the JSON that it prints last.

        Args:
            code: The code of the cell.
            subshell: The subshell that runs it.
            on_output: Called when the cell has printed something for the first time.
        """
        content: dict[str, Any] = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        message = self.client.session.msg("execute_request", content)
        message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        printed, error = "", ""
        while True:
            answer = self.client.get_iopub_msg(timeout=LIMIT)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            match answer["msg_type"], answer["content"]:
                case "stream", {"text": text}:
                    printed += text
                    if on_output is not None:
                        on_output()
                        on_output = None
                case "error", {"ename": name, "evalue": value}:
                    error = f"{name}: {value}"
                case "status", {"execution_state": "idle"}:
                    break
                case _:
                    pass
        if error:
            raise RuntimeError(error)
        return json.loads(printed.splitlines()[-1]) if printed else None

    def create_subshell(self) -> str:
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        created: str = self.client.control_channel.get_msg(timeout=LIMIT)["content"]["subshell_id"]
        return created


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Generator[Notebook, None, None]:
    with LocalServer() as server:
        notebook = Notebook(server, tmp_path_factory.mktemp("ipython"))
        yield notebook
        notebook.run("pb.close()")
        notebook.client.stop_channels()
        notebook.manager.shutdown_kernel()
        notebook.manager.cleanup_resources()


CHECK = "print(json.dumps([asyncio.get_event_loop().is_running(), pb.health.check()['code']]))"


def test_a_cell_may_block(notebook: Notebook) -> None:
    assert notebook.run(CHECK) == [True, 200]


def test_a_cell_of_a_subshell_may_block(notebook: Notebook) -> None:
    subshell = notebook.create_subshell()
    is_main = "print(json.dumps(threading.current_thread() is threading.main_thread()))"
    assert (notebook.run(is_main), notebook.run(is_main, subshell)) == (True, False)
    assert notebook.run(CHECK, subshell) == [True, 200]


def test_a_thread_with_a_loop_of_its_own_may_not_block(notebook: Notebook) -> None:
    code = """
async def check():
    return pb.health.check()

try:
    await asyncio.to_thread(asyncio.run, check())
except RuntimeError as error:
    print(json.dumps(str(error)))
"""
    assert "where an event loop is running" in notebook.run(code)


def test_an_interrupt_of_the_kernel_ends_a_wait_and_loses_no_event(notebook: Notebook) -> None:
    code = """
with pb.collection("users").events() as events:
    try:
        print("waiting", flush=True)
        events.next()
    except KeyboardInterrupt:
        pb.collection("users").create({"email": "new@example.com", "password": "password123"})
        print(json.dumps(events.next(timeout=30)["record"]["email"]))
"""
    assert notebook.run(code, on_output=notebook.manager.interrupt_kernel) == "new@example.com"
