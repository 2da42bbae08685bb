"""The bare HTTP libraries: one session, and one `json.loads` for each request."""

import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from .worker import Job, Work, repeat, run, serve


def _one(job: Job) -> str:
    return f"{job.url}/api/collections/posts/records/abcdefghijklmno"


async def _aiohttp() -> dict[str, Work]:
    import aiohttp
    from aiohttp_sse_client.client import EventSource

    session = aiohttp.ClientSession()

    async def get_one(job: Job) -> None:
        url = _one(job)

        async def once(_: int) -> None:
            async with session.get(url) as response:
                json.loads(await response.read())

        await repeat(job, once)

    async def events(job: Job) -> None:
        def stop() -> None:
            raise EOFError

        url = f"{job.url}/events/{job.count}"
        async with EventSource(url, session=session, on_error=stop, read_bufsize=2**23) as source:
            try:
                async for event in source:
                    json.loads(event.data)
            except EOFError:
                pass

    return {"get_one": get_one, "events": events}


def _httpx(library: Any) -> Callable[[], Awaitable[dict[str, Work]]]:
    async def works() -> dict[str, Work]:
        client = library.AsyncClient(limits=library.Limits(max_connections=100))

        async def get_one(job: Job) -> None:
            url = _one(job)

            async def once(_: int) -> None:
                (await client.get(url)).json()

            await repeat(job, once)

        async def events(job: Job) -> None:
            async with client.stream("GET", f"{job.url}/events/{job.count}") as response:
                async for event in _events(response):
                    json.loads(event.data)

        def _events(response: Any) -> Any:
            if library.__name__ == "httpx2":
                return aiter(library.EventSource(response))
            return import_module("httpx_sse").EventSource(response).aiter_sse()

        return {"get_one": get_one, "events": events}

    return works


async def _pyreqwest() -> dict[str, Work]:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()

    async def get_one(job: Job) -> None:
        url = _one(job)

        async def once(_: int) -> None:
            response = await client.get(url).build().send()
            json.loads((await response.bytes()).to_bytes())

        await repeat(job, once)

    return {"get_one": get_one}


async def main() -> None:
    name = sys.argv[1]
    libraries = {"aiohttp": _aiohttp, "pyreqwest": _pyreqwest}
    await serve(await (libraries.get(name) or _httpx(import_module(name)))())


if __name__ == "__main__":
    run(main)
