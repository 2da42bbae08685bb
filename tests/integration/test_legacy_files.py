"""Bodies with files have the same effect on PocketBase 0.22 as on the newest server, or are refused there."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseBadRequestError, PocketBaseInputError
from pocketbase_core.ports import Transport
from pocketbase_core.testing import LocalServer

COLLECTION: dict[str, Any] = {
    "name": "notes",
    "type": "base",
    "fields": [
        {"name": "docs", "type": "file", "maxSelect": 5},
        {"name": "cover", "type": "file", "maxSelect": 1},
        {"name": "n", "type": "number"},
    ],
}
FIELDS = ("docs", "cover")
Value = Callable[[Mapping[str, Any]], Any]
"""Returns a value of a body for a record: its stored files have another name on each server."""


class Side:
    """A server with one record, of which the files are known by the names that they were uploaded with."""

    def __init__(self, pb: PocketBase) -> None:
        self._pb = pb
        self.record: dict[str, Any] = {}

    async def set_up(self, server: LocalServer) -> None:
        await self._pb.admins.auth.with_password(*server.superuser)
        await self._pb.collections.create(COLLECTION)
        self.record = await self._pb.collection("notes").create({"n": 1})

    async def change(self, body: dict[str, Value], *, create: bool) -> str:
        """Create or update the record. Return what became of the body."""
        values = {key: value(self.record) for key, value in body.items()}
        notes = self._pb.collection("notes")
        try:
            if create:
                self.record = await notes.create(values)
            else:
                self.record = await notes.update(self.record["id"], values)
        except PocketBaseBadRequestError:
            return "rejected"
        except PocketBaseInputError:
            return "refused"
        return "done"

    @property
    def state(self) -> dict[str, Any]:
        files = {name: [*map(uploaded_name, as_list(self.record[name]))] for name in FIELDS}
        return {**files, "n": self.record["n"]}


def as_list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def uploaded_name(stored: str) -> str:
    """Return the name that a file had before the server added a random part: `file1_x7k.txt` was `file1.txt`."""
    return stored.partition("_")[0]


def upload(numbers: list[int]) -> Value:
    files = [(f"file{number}.txt", f"content {number}".encode()) for number in numbers]
    return lambda _: [FileUpload(each) for each in files]


def stored(name: str, indexes: list[int], more: list[int]) -> Value:
    """Return a list of stored names and of uploads."""

    def value(record: Mapping[str, Any]) -> Any:
        names = as_list(record.get(name, ""))
        kept = [names[index] for index in indexes if index < len(names)]
        return [*kept, *upload(more)(record)]

    return value


def random_body(choices: random.Random, number: int) -> dict[str, Value]:
    body: dict[str, Value] = {}
    for name in choices.sample(FIELDS, choices.randint(1, 2)):
        most = 2 if name == "docs" else 1  # of several uploads to a field for one file, each generation keeps another
        for key in choices.sample([name, f"{name}+", f"{name}-", f"+{name}"], choices.randint(1, most)):
            new = [number * 10 + each for each in range(choices.randint(0, most))]
            indexes = choices.sample(range(3), choices.randint(0, 2))
            kinds: list[Value] = [upload(new), stored(name, indexes, new), stored(name, indexes, [])]
            empty: list[Value] = [lambda _: None, lambda _: "", lambda _: []]
            body[key] = choices.choice([*kinds, *kinds, choices.choice(empty)])
    if choices.random() < 0.5:
        body["n"] = lambda _: number
    return body


@pytest.mark.slow  # as each test on an older server, which is downloaded
@pytest.mark.parametrize("seed", range(2))
async def test_bodies_with_files_have_the_same_effect_or_are_refused(transport: Transport, seed: int) -> None:
    choices = random.Random(seed)
    async with (
        LocalServer("0.22.27") as old,
        LocalServer() as new,
        PocketBase(old.url, transport=transport, server_version="0.22.27") as legacy,
        PocketBase(new.url, transport=transport) as current,
    ):
        sides = Side(legacy), Side(current)
        for side, server in zip(sides, (old, new), strict=True):
            await side.set_up(server)
        done = 0
        for number in range(1, 121):
            body = random_body(choices, number)
            create = choices.random() < 0.15
            before = sides[1].record
            outcomes = [await side.change(body, create=create) for side in sides]
            told = f"seed {seed}, change {number}, {'create' if create else 'update'} {described(body, before)}"
            if outcomes[0] != "done":  # refused by the client, or rejected by the server
                await bring_together(*sides)
                continue
            assert outcomes[1] == "done", told
            assert sides[0].state == sides[1].state, told
            done += 1
        assert done > 30, "many bodies are taken by both servers"


async def bring_together(legacy: Side, current: Side) -> None:
    """Start with two new records, after a body that only one server has taken."""
    for side in (legacy, current):
        assert await side.change({"docs": upload([1, 2]), "cover": upload([3])}, create=True) == "done"


def described(body: dict[str, Value], record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(make(record)) for key, make in body.items()}
