"""The guestbook of the examples, and Debian's Chromium to open it with."""

import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from examples.aiohttp_app import create_app
from pocketbase_core.testing import LocalServer

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

collect_ignore_glob = [] if find_spec("playwright") else ["test_*"]  # the extra `browser` is not installed
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenWindow = Callable[[int], Awaitable["Page"]]


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncGenerator["Browser", None]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        path = shutil.which("chromium")
        assert path is not None, "apt-get install chromium"
        chromium = await playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture
async def pocketbase() -> AsyncGenerator[LocalServer, None]:
    async with LocalServer() as server:
        yield server


@pytest_asyncio.fixture
async def open_window(browser: "Browser", pocketbase: LocalServer) -> AsyncGenerator[OpenWindow, None]:
    """Open the guestbook in a window of the given width, as another visitor each time. The console must stay empty."""
    messages: list[str] = []

    async with TestServer(create_app(pocketbase.url, *pocketbase.superuser)) as app:

        async def open_one(width: int) -> "Page":
            context = await browser.new_context(
                viewport={"width": width, "height": 800}, locale="en-GB", timezone_id="UTC"
            )
            window = await context.new_page()
            window.set_default_timeout(15_000)
            window.on("pageerror", lambda error: messages.append(str(error)))
            window.on("console", lambda message: messages.append(message.text))
            await window.goto(str(app.make_url("/")))
            await window.get_by_text("Live", exact=True).wait_for()
            return window

        yield open_one
        for context in browser.contexts:
            await context.close()
    assert [line for line in messages if "the server responded with a status of 4" not in line] == [], (
        "something was logged on the console"
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return the folder for screenshots: that in GUESTBOOK_PICTURES, or a temporary one."""
    folder = Path(os.environ.get("GUESTBOOK_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
