"""Show a list that stays right while another task writes and the server is killed and restarted.

python examples/live.py                             shows it for 10 seconds
python examples/live.py --seconds 60
python examples/live.py --transport httpx           uses httpx
"""

import argparse
import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table

from pocketbase_core import AuthStore, LiveChange, LiveQuery, PocketBase, PocketBaseTransportError
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport, HttpxTransport

TRANSPORTS = {"aiohttp": AiohttpTransport, "httpx": HttpxTransport}
CITIES = ["Cairo", "Lagos", "Lima", "Oslo", "Perth", "Quito", "Riga", "Seoul", "Tunis", "Turin"]
EVERYBODY = {f"{action}Rule": "" for action in ("list", "view", "create", "update", "delete")}
FIELDS = [{"name": name, "type": "text"} for name in ("leaves", "city", "gate", "status")]
WAITING, SORT = "status != 'departed'", "leaves,city"


def a_time() -> str:
    return f"{random.randint(6, 22):02}:{random.randrange(0, 60, 5):02}"


class Board:
    """The departures of an airport, drawn from a live query."""

    def __init__(self, live: LiveQuery[dict[str, Any]]) -> None:
        self._live = live
        self._latest: dict[str, str] = {}
        """The last change of each flight that has changed since the board was drawn last."""
        self.counts: Counter[str] = Counter()
        live.on_change(self._changed)

    def _changed(self, change: LiveChange[dict[str, Any]]) -> None:
        self.counts[change.action] += 1
        self._latest[change.record["id"]] = change.action

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[action]} {action}" for action in ("add", "update", "remove"))

    def draw(self) -> Group:
        table = Table("leaves", "to", "gate", "status", title="Departures", width=60)
        for flight in self._live.items:
            style = {"add": "bold green", "update": "bold yellow"}.get(self._latest.get(flight["id"], ""))
            table.add_row(flight["leaves"], flight["city"], flight["gate"], flight["status"], style=style)
        self._latest.clear()
        state = "current" if self._live.is_current else "being read again: the connection was lost"
        return Group(table, f"{len(self._live)} flights, {state}. Changes: {self}")


async def write(pb: PocketBase) -> None:
    """Change flights, at random, until cancelled. While the server is down, nothing is written."""
    flights = pb.collection("flights")
    while True:
        with suppress(PocketBaseTransportError):
            waiting = await flights.get_full_list(filter=WAITING)
            flight = random.choice(waiting)
            match random.choice(["arrival", "gate", "delay", "departure", "cancellation"]):
                case "gate":
                    await flights.update(flight["id"], {"gate": f"A{random.randint(1, 40)}", "status": "boarding"})
                case "delay":
                    await flights.update(flight["id"], {"leaves": a_time(), "status": "delayed"})
                case "departure" if len(waiting) > 6:
                    await flights.update(flight["id"], {"status": "departed"})
                case "cancellation" if len(waiting) > 6:
                    await flights.delete(flight["id"])
                case _ if len(waiting) < 15:
                    await flights.create({"leaves": a_time(), "city": random.choice(CITIES)})
                case _:
                    pass
        await asyncio.sleep(0.1)


async def kill(server: LocalServer, seconds: float, screen: Live) -> None:
    """Kill the server after a while, restart it, and return at the end of the time."""
    await asyncio.sleep(seconds * 0.3)
    server.kill()
    screen.console.print("The server was killed.")
    await asyncio.sleep(seconds * 0.2)
    await server.restart()
    screen.console.print("The server has been restarted.")
    await asyncio.sleep(seconds * 0.5)


async def until_done(task: asyncio.Task[None], board: Board, screen: Live) -> None:
    """Draw the board again and again until a task is done."""
    while not task.done():
        screen.update(board.draw(), refresh=True)
        await asyncio.wait([task], timeout=0.2)
    await task


async def until_equal(pb: PocketBase, live: LiveQuery[dict[str, Any]]) -> None:
    expected = await pb.collection("flights").get_full_list(filter=WAITING, sort=SORT)
    async with asyncio.timeout(30):
        while not live.is_current or live.items != expected:
            await asyncio.sleep(0.01)


async def main(transport: str, seconds: float) -> None:
    async with LocalServer() as server, PocketBase(server.url, transport=TRANSPORTS[transport]()) as pb:
        superuser = pb.with_auth_store(AuthStore())
        await superuser.admins.auth.with_password(*server.superuser)
        await superuser.collections.create({"name": "flights", "type": "base", "fields": FIELDS, **EVERYBODY})
        flights = pb.collection("flights")
        for city in CITIES:
            await flights.create({"leaves": a_time(), "city": city})
        async with flights.live(filter=WAITING, sort=SORT) as live:
            board = Board(live)
            with Live(board.draw(), auto_refresh=False) as screen:
                async with asyncio.TaskGroup() as group:
                    writer = group.create_task(write(pb))
                    await until_done(group.create_task(kill(server, seconds, screen)), board, screen)
                    writer.cancel()
                await until_done(asyncio.create_task(until_equal(pb, live)), board, screen)
                screen.update(board.draw(), refresh=True)
            print(f"\n{board.counts.total()} changes were shown, and the list equals get_full_list.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show a list of records while the server restarts.")
    parser.add_argument("--seconds", type=float, default=10, help="how long the list is shown")
    parser.add_argument("--transport", choices=TRANSPORTS, default="aiohttp")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.transport, arguments.seconds))
