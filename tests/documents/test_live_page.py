"""The live list in FastAPI of the how-to pages, in a server and with a browser's stream of events."""

import asyncio
import json
import socket
from typing import Any

import aiohttp
import uvicorn

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer

from ..helpers.shared_collections import POSTS
from ..helpers.waiting import until
from .test_manuals import files, on


async def next_titles(events: aiohttp.ClientResponse) -> list[str]:
    line = await events.content.readline()
    assert await events.content.readline() == b"\n"
    titles: list[str] = json.loads(line.removeprefix(b"data: "))
    return titles


async def test_each_browser_gets_the_list_and_each_change() -> None:
    (code,) = files("live.py")
    namespace: dict[str, Any] = {"__name__": "live"}
    async with LocalServer() as server, PocketBase(server.url) as pb, asyncio.timeout(60):
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create(POSTS)
        await pb.collection("posts").create({"title": "one"})
        exec(compile(on(server, code), "live.py", "exec"), namespace)
        application = uvicorn.Server(uvicorn.Config(namespace["app"], log_level="warning"))
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            running = asyncio.create_task(application.serve([listening]))
            await until(lambda: application.started)
            async with aiohttp.ClientSession(url) as browser:
                async with browser.get("/live") as left, browser.get("/live") as events:
                    assert await next_titles(left) == await next_titles(events) == ["one"]
                    left.close()
                    await pb.collection("posts").create({"title": "two"})
                    assert await next_titles(events) == ["two", "one"]
            application.should_exit = True
            await running
