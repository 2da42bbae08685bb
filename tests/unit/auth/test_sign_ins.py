"""What processes that share a store know about a sign-in: whether it is the same one, and how long its tokens live."""

import json
from pathlib import Path
from typing import Any

import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, FileAuthStore
from pocketbase_core.auth import session
from pocketbase_core.auth.store import exclusive, lifetime_of, sign_in_of

from ...helpers.tokens import token


class Stores:
    """Two stores of one storage."""

    def __init__(self, kind: str, path: Path) -> None:
        self.kind, self.path, self.text = kind, path, ""
        self.one, self.other = self.open(), self.open()

    def open(self) -> AuthStore:
        return FileAuthStore(self.path) if self.kind == "a file" else AsyncAuthStore(self.save, load=self.load)

    async def save(self, text: str) -> None:
        self.text = text

    async def load(self) -> str:
        return self.text

    async def stored(self) -> Any:
        await self.one.aclose()
        await self.other.aclose()
        return json.loads(self.path.read_text() if self.kind == "a file" else self.text)


@pytest.fixture(params=["a file", "functions"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    return Stores(request.param, tmp_path / "auth.json")


async def test_a_token_that_another_process_has_refreshed_belongs_to_the_same_sign_in(stores: Stores) -> None:
    session.signed_in(stores.one, token(10, "first"), {"id": "u1"})
    await stores.one.aclose()
    async with exclusive(stores.other):
        sign_in = sign_in_of(stores.other)
    session.refreshed(stores.other, stores.other.token, newer := token(10, "second"), {"id": "u1"})
    await stores.other.aclose()
    async with exclusive(stores.one):
        assert stores.one.token == newer
    third = stores.open()
    async with exclusive(third):
        assert third.token == newer
    assert {sign_in_of(each) for each in (stores.one, stores.other, third)} == {sign_in}
    session.signed_in(stores.other, token(10, "third"), {"id": "u1"})
    await stores.other.aclose()
    async with exclusive(stores.one):
        assert sign_in_of(stores.one) not in ("", sign_in), "another sign-in of the same user"


async def test_the_lifetime_of_an_issued_token_is_known_to_the_other_processes(stores: Stores) -> None:
    session.signed_in(stores.one, token(10), {"id": "u1"})
    await stores.one.aclose()
    other = stores.open()
    async with exclusive(other):
        assert lifetime_of(other) == pytest.approx(10, abs=2)
    session.record_changed(other, "c1", "u1", {}, {"id": "u1", "collectionId": "c1", "name": "new"})
    await other.aclose()
    async with exclusive(stores.one):
        assert (stores.one.record or {}).get("name") in ("new", None)
    assert (await stores.stored())["signIn"]["lifetime"] == lifetime_of(other), "a new record is no new token"


@pytest.mark.parametrize("given", [token(-10), "static"])
async def test_a_lifetime_that_is_not_known_is_not_stored(given: str, stores: Stores) -> None:
    session.signed_in(stores.one, given, {"id": "u1"})
    assert await stores.stored() == {"token": given, "record": {"id": "u1"}}


async def test_a_token_that_the_application_saves_has_no_known_lifetime(stores: Stores) -> None:
    stores.one.save(mine := token(10), {"id": "u1"})
    assert await stores.stored() == {"token": mine, "record": {"id": "u1"}}
    assert lifetime_of(stores.one) is None


@pytest.mark.parametrize("sign_in", [None, 1, {}, {"id": "x"}, {"id": "x", "lifetime": "long"}, {"lifetime": 3}, []])
async def test_a_sign_in_that_cannot_be_read_is_ignored(sign_in: Any, stores: Stores) -> None:
    stores.text = json.dumps({"token": (mine := token(10)), "record": None, "signIn": sign_in})
    stores.path.write_text(stores.text)
    stores.path.chmod(0o600)
    store = stores.open()
    async with exclusive(store):
        assert (store.token, lifetime_of(store)) == (mine, None)
        assert sign_in_of(store) != ""


def test_a_sign_in_that_the_store_refuses_changes_nothing(tmp_path: Path) -> None:
    store = FileAuthStore(tmp_path / "auth.json")
    session.signed_in(store, token(10), {"id": "u1"})
    before = sign_in_of(store)
    with pytest.raises(TypeError):
        session.signed_in(store, token(20), {"id": object()})
    assert sign_in_of(store) == before
