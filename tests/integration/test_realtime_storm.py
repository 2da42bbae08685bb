"""Users sign in, sign out and change passwords while the server restarts: each user gets each event or a gap."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from typing import Any

import pytest

from pocketbase_core import Gap, PocketBase, PocketBaseError, PocketBaseSessionExpiredError, PocketBaseTransportError
from pocketbase_core.testing import LocalServer
from pocketbase_core.testing.contract import MakeTransport

from ..helpers.shared_collections import VERSION, client_of
from ..helpers.waiting import until

SEED = int(os.environ.get("SOAK_SEED", "20261125"))
ROUNDS = 6
STEPS = 40
CLIENTS = 3
OWNED = "@request.auth.id = owner"


class Subscription:
    """One subscription of one client, and what the subscription got."""

    def __init__(self, actor: "Actor") -> None:
        self.actor = actor
        self.titles: list[str] = []
        self.gaps: list[tuple[float, float]] = []
        self.since = float("inf")
        """The time when the server confirmed the subscription."""

    def on_event(self, event: Any) -> None:
        owner, title = event["record"]["owner"], event["record"]["title"]
        if owner != self.actor.user:
            self.actor.storm.wrong.append(f"{title} of {owner} was delivered to {self.actor.user}")
        self.titles.append(title)

    def on_gap(self, gap: Gap) -> None:
        self.gaps.append((gap.since.timestamp(), time.time()))

    def explains(self, began: float, ended: float) -> bool:
        return any(since <= ended and began <= reported for since, reported in self.gaps)


class Actor:
    """A client whose user changes."""

    def __init__(self, storm: "Storm", pb: PocketBase) -> None:
        self.storm = storm
        self.pb = pb
        self.user = ""
        self.signed_in: list[tuple[float, str]] = []
        self.subscriptions: list[tuple[Subscription, Any]] = []

    async def step(self) -> None:
        source = self.storm.source
        action = source.choice([self.sign_in, self.sign_in, self.sign_out, self.change, self.subscribe, self.leave])
        try:
            await action()
        except PocketBaseError as error:
            self.storm.outcomes[type(error).__name__] += 1
        else:
            self.storm.outcomes[action.__name__] += 1

    def _becomes(self, user: str) -> None:
        if user != self.user:
            self.user = user
            self.signed_in.append((time.time(), user))

    async def sign_in(self, again: str = "") -> None:
        user = again or self.storm.source.choice([*self.storm.passwords])
        if not again and self.storm.source.random() < 0.5:
            await self.sign_out()
        forget = self.pb.auth_store.on_change(lambda token, record: self._becomes(user if token else ""))
        try:
            await self.pb.collection("users").auth.with_password(f"{user}@example.com", self.storm.passwords[user])
        finally:
            forget()

    async def sign_out(self) -> None:
        self.pb.auth_store.clear()
        self._becomes("")

    async def change(self, of: str = "") -> None:
        """Change the password of a user, perhaps of the signed-in one. All tokens of the user become invalid."""
        user = of or self.storm.source.choice([*self.storm.passwords])
        async with self.storm.changing:
            password = f"password{self.storm.source.randrange(10**6)}"
            await self.storm.admin.collection("users").update(user, {"password": password})
            self.storm.passwords[user] = password

    async def subscribe(self) -> None:
        if len(self.subscriptions) > 5:
            return
        subscription = Subscription(self)
        subscribing = asyncio.create_task(self._subscribe(subscription))
        if self.storm.source.random() < 0.3:
            await asyncio.sleep(self.storm.source.random() * 0.02)
            subscribing.cancel()
        await asyncio.wait([subscribing])
        if not subscribing.cancelled():
            subscribing.result()

    async def _subscribe(self, subscription: Subscription) -> None:
        filters = f'title != "{self.storm.source.randrange(3)}"'
        unsubscribe = await self.pb.collection("notes").subscribe_all(
            subscription.on_event, filter=filters, on_gap=subscription.on_gap, timeout=5
        )
        subscription.since = time.time()
        self.subscriptions.append((subscription, unsubscribe))

    async def leave(self) -> None:
        if len(self.subscriptions) > 1:
            _, unsubscribe = self.subscriptions.pop(self.storm.source.randrange(len(self.subscriptions)))
            await unsubscribe()

    def was(self, user: str, began: float, ended: float) -> bool:
        """Return whether this user was signed in the whole time."""
        before = [name for at, name in self.signed_in if at <= began]
        return bool(before) and before[-1] == user and not any(began < at <= ended for at, _ in self.signed_in)


class Storm:
    def __init__(self, server: LocalServer, admin: PocketBase, seed: int) -> None:
        self.source = random.Random(seed)
        self.server = server
        self.admin = admin
        self.passwords: dict[str, str] = {}
        self.changing = asyncio.Lock()
        self.wrong: list[str] = []
        self.outcomes = Counter[str]()
        self.written: list[tuple[str, str, float, float]] = []
        self.numbers = itertools.count()

    async def prepare(self) -> None:
        fields = [{"name": "title", "type": "text"}, {"name": "owner", "type": "text"}]
        await self.admin.collections.create(
            {"name": "notes", "type": "base", "listRule": OWNED, "viewRule": OWNED, "fields": fields}
        )
        for number in range(3):
            user_id = f"user{number:011}"
            body = {"id": user_id, "email": f"{user_id}@example.com", "password": "password123", "verified": True}
            await self.admin.collection("users").create(body)
            self.passwords[user_id] = "password123"

    async def write(self, title: str, owner: str) -> None:
        began = time.time()
        try:
            await self.admin.collection("notes").create({"title": title, "owner": owner})
        except PocketBaseTransportError:
            self.outcomes["writes in doubt"] += 1
        else:
            self.written.append((title, owner, began, time.time()))

    async def rain(self, actors: list[Actor], round_number: int) -> None:
        """Let all actors act at random while records are written and the server restarts or is killed."""

        async def act(actor: Actor) -> None:
            for _ in range(STEPS // CLIENTS):
                await actor.step()
                await asyncio.sleep(self.source.random() * 0.05)

        is_under_way = asyncio.Event()

        async def pour() -> None:
            for number in range(STEPS):
                if number == STEPS // 2:
                    is_under_way.set()
                await self.write(
                    f"{round_number} {number} {self.source.random()}", self.source.choice([*self.passwords])
                )
                await asyncio.sleep(self.source.random() * 0.02)

        async with asyncio.TaskGroup() as group:
            for actor in actors:
                group.create_task(act(actor))
            group.create_task(pour())
            if round_number % 3 == 1:
                await is_under_way.wait()
                if round_number == 4:
                    self.server.kill()
                await self.server.restart()

    async def probe(self, actors: list[Actor], round_number: int) -> None:
        """Check that each subscription gets a record of its user once all is quiet."""
        for actor in actors:
            while not actor.user or not actor.subscriptions:
                try:
                    await (actor.sign_in() if not actor.user else actor.subscribe())
                except PocketBaseSessionExpiredError:  # the password has changed since the sign-in
                    await actor.sign_in()
            await actor.sign_in()
            await self.settled(actor)
        for actor in actors:
            title = f"probe {round_number} {actor.user} {self.source.random()}"
            await self.write(title, actor.user)
            await until(lambda title=title, actor=actor: all(title in each.titles for each, _ in actor.subscriptions))

    async def revoke(self, actors: list[Actor], round_number: int) -> None:
        """Change all passwords, and sign everybody in again: a gap must cover the records that were missed."""
        for actor in actors:
            await actor.change(actor.user)
            await self.write(f"missed {round_number} {self.source.random()}", actor.user)
        for actor in actors:
            await actor.sign_in(actor.user)
            await self.settled(actor)
        await until(lambda: not self.missed(actors))

    async def settled(self, actor: Actor) -> None:
        """Wait until each subscription gets what its user may see: a guest who signs in keeps the connection."""
        title = f"settled {actor.user} {next(self.numbers)}"  # another actor of the same user has another title
        async with asyncio.timeout(20):
            while not all(title in each.titles for each, _ in actor.subscriptions):
                await self.write(title, actor.user)
                await asyncio.sleep(0.02)

    def missed(self, actors: list[Actor]) -> list[str]:
        """Return the records that a subscription should have got and that no gap covers."""
        return [
            f"{title} of {owner}"
            for actor in actors
            for subscription, _ in actor.subscriptions
            for title, owner, began, ended in self.written
            if began > subscription.since
            and actor.was(owner, began, ended)
            and title not in subscription.titles
            and not subscription.explains(began, ended)
        ]


@pytest.mark.slow
async def test_each_event_or_its_gap_reaches_its_user_alone_in_a_storm(make_transport: MakeTransport) -> None:
    print(f"\nSOAK_SEED={SEED}")
    before = asyncio.all_tasks()
    async with LocalServer(VERSION) as server, client_of(server.url, transport=make_transport()) as admin:
        await admin.admins.auth.with_password(*server.superuser)
        storm = Storm(server, admin, SEED)
        await storm.prepare()
        shared = client_of(server.url, transport=make_transport(), timeout=5)
        actors = [Actor(storm, shared)]
        for _ in range(CLIENTS - 1):
            actors.append(Actor(storm, client_of(server.url, transport=make_transport(), timeout=5)))
        for round_number in range(ROUNDS):
            await storm.rain(actors, round_number)
            await storm.probe(actors, round_number)
            await storm.revoke(actors, round_number)
        for actor in actors:
            await actor.pb.aclose()
        print(dict(storm.outcomes), len(storm.written), "records")
        assert storm.wrong == [], "a user got the event of another"
        for actor in actors:
            for subscription, _ in actor.subscriptions:
                counts = Counter(title for title in subscription.titles if not title.startswith("settled"))
                assert max(counts.values(), default=0) <= 1, "an event was delivered twice"
    remaining = [task for task in asyncio.all_tasks() - before if task.get_name().startswith("realtime")]
    assert not remaining, "a task of realtime is still there"
