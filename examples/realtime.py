"""Print the changes to records while another task makes these changes and the server restarts.

python examples/realtime.py
python examples/realtime.py --transport httpx
"""

import argparse
import asyncio
from typing import Any

from pocketbase_core import Gap, PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport

TRANSPORTS = {"aiohttp": AiohttpTransport, "httpx": HttpxTransport}
FIELDS: list[dict[str, Any]] = [{"name": "city", "type": "text"}, {"name": "degrees", "type": "number"}]


async def watch(pb: PocketBase, ready: asyncio.Event) -> None:
    """Print every change; after a gap, read the records again. Set `ready` whenever the watcher is up to date."""
    weather = pb.collection("weather")
    async with weather.events() as events:
        ready.set()
        async for event in events:
            if isinstance(event, Gap):
                cities = [record["city"] for record in await weather.get_full_list()]
                print(f"   gap      events may be missing since {event.since:%H:%M:%S}; the records now: {cities}")
                ready.set()
                continue
            record = event["record"]
            print(f"   {event['action']:<8} {record['city']} {record['degrees']} °C")
            if event["action"] == "delete":
                return


async def work(pb: PocketBase, server: LocalServer, ready: asyncio.Event) -> None:
    """Change records, and restart the server in between."""
    weather = pb.collection("weather")
    await ready.wait()
    oslo = await weather.create({"city": "Oslo", "degrees": -3})
    await weather.create({"city": "Lima", "degrees": 24})
    await weather.update(oslo["id"], {"degrees": -5})

    pb.realtime.on_disconnect(lambda reason: print("   …        the connection was", "lost" if reason else "closed"))
    ready.clear()
    await server.restart()
    await ready.wait()

    await weather.update(oslo["id"], {"degrees": -8})
    await weather.delete(oslo["id"])


async def main(transport: str) -> None:
    async with LocalServer() as server, PocketBase(server.url, transport=TRANSPORTS[transport]()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create({"name": "weather", "type": "base", "fields": FIELDS})
        print(f"Watching {server.url}, through {transport}")
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(pb, ready))
            group.create_task(work(pb, server, ready))
        print("Done.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Watch records while the server restarts.")
    parser.add_argument("--transport", choices=TRANSPORTS, default="aiohttp")
    asyncio.run(main(parser.parse_args().transport))
