"""Random changes of three collections by superusers, while the watching client's users and the server change too."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from pocketbase_core import PocketBase, PocketBaseError
from pocketbase_core.testing import LocalServer

from .shared_collections import OPEN

USERS = ("usera0000000000", "userb0000000000")
PASSWORD = "password123"
MAX_POSTS = 120
POSTS_RULES = (
    "",
    "hidden = false",
    'hidden = false && (owner = "" || owner = @request.auth.id)',
    "owner = @request.auth.id || n > 20",
    '@request.auth.id != ""',
    None,
)
RELATED_RULES = ("", "", 'name != "b"', '@request.auth.id != ""', None)
"""Rules of authors and of comments."""
FIELDS: dict[str, list[dict[str, Any]]] = {
    "authors": [{"name": "name", "type": "text"}],
    "posts": [
        {"name": "title", "type": "text"},
        {"name": "n", "type": "number"},
        {"name": "tag", "type": "text"},
        {"name": "hidden", "type": "bool"},
        {"name": "owner", "type": "text"},
        {"name": "author", "type": "relation", "maxSelect": 1, "collectionId": "authors"},
    ],
    "comments": [
        {"name": "name", "type": "text"},
        {"name": "post", "type": "relation", "maxSelect": 1, "collectionId": "posts", "cascadeDelete": True},
    ],
}
TOTALS = (
    "SELECT posts.id, posts.title, COUNT(comments.id) AS total FROM posts "
    "LEFT JOIN comments ON comments.post = posts.id GROUP BY posts.id"
)
"""The query of a view."""
Operation = Callable[[PocketBase], Awaitable[object]]


async def create_collections(admin: PocketBase) -> None:
    """Create `authors`, `posts` with an author, `comments` on posts, the view `totals`, and two users."""
    ids: dict[str, str] = {}
    for name, fields in FIELDS.items():
        with_ids = [{**each, "collectionId": ids.get(each.get("collectionId", ""), "")} for each in fields]
        ids[name] = (await admin.collections.create({"name": name, "type": "base", **OPEN, "fields": with_ids}))["id"]
    view = {"name": "totals", "type": "view", "listRule": "", "viewRule": "", "viewQuery": TOTALS}
    await admin.collections.create(view)
    for user in USERS:
        body = {"id": user, "email": f"{user}@example.com", "password": PASSWORD, "verified": True}
        await admin.collection("users").create(body)


class Storm:
    """Changes at random, by several writers at once.

    Args:
        server: The server, which is killed or restarted in the middle of each run.
        writers: The clients of superusers.
        watching: The client whose user changes.
        source: Decides what happens.
        is_loud: Whether each change causes an event: no record is hidden, and no rule changes.
        has_gaps: Whether the server restarts, and the user changes.
    """

    def __init__(
        self,
        server: LocalServer,
        writers: list[PocketBase],
        watching: PocketBase,
        source: random.Random,
        *,
        is_loud: bool,
        has_gaps: bool,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        """How many operations of each kind succeeded, and how many failed with each error."""
        self._server = server
        self._writers = writers
        self._watching = watching
        self._source = source
        self._ids: dict[str, list[str]] = {name: [] for name in FIELDS}
        self._is_loud = is_loud
        self._has_gaps = has_gaps
        self._runs = 0
        self._is_up = asyncio.Event()
        self._is_up.set()
        shares: dict[Operation, float] = {
            self.create_post: 16,
            self.update_post: 28,
            self.delete_post: 10,
            self.change_relation: 10,
            self.create_comment: 10,
            self.move_comment: 6,
            self.rename_comment: 4,
            self.delete_comment: 4,
            self.create_author: 1,
            self.rename_author: 3,
            self.delete_author: 0.6,
        }
        if has_gaps:
            shares |= {self.sign_in: 0.4, self.sign_out: 0.2}
        if not is_loud:
            shares |= {self.hide_post: 8, self.change_rules_of_posts: 0.4, self.change_rules_of_related: 0.4}
        self._shares = shares

    async def create_posts(self, count: int) -> None:
        """Create so many posts, some authors and some comments."""
        for number in range(count):
            for create in [self.create_author, self.create_post, self.create_comment][number % 8 > 0 :]:
                await create(self._writers[0])

    async def run(self, count: int) -> None:
        """Let the writers do so many operations, and kill or restart the server in their middle."""
        self._runs += 1
        if not self._is_loud:  # else nobody might see anything for long
            await self._change_rules(self._writers[0], "posts", self._source.choice(POSTS_RULES[:-1]))
        numbers = iter(range(count))

        async def restart(_: PocketBase) -> None:
            self._is_up.clear()
            if self._runs % 2:
                self._server.kill()
            await self._server.restart()
            self._is_up.set()

        def operations() -> Iterator[Operation]:
            for number in numbers:
                if number == count // 2 and self._has_gaps:
                    yield restart
                else:
                    yield self._source.choices([*self._shares], [*self._shares.values()])[0]

        async def write(pb: PocketBase) -> None:
            for operation in operations():
                await self._is_up.wait()
                try:
                    await operation(pb)
                    self.outcomes[operation.__name__] += 1
                except PocketBaseError as error:
                    self.outcomes[type(error).__name__] += 1

        async with asyncio.TaskGroup() as group:
            for pb in self._writers:
                group.create_task(write(pb))

    async def create_post(self, pb: PocketBase) -> None:
        if len(self._ids["posts"]) >= MAX_POSTS:
            return await self.delete_post(pb)
        return await self._create(pb, "posts", self._post() | {"author": self._pick("authors")})

    async def update_post(self, pb: PocketBase) -> None:
        """Change fields that the filters and the sort keys name."""
        changes = self._post()
        names = self._source.sample([*changes], self._source.randint(1, 3))
        await self._update(pb, "posts", {name: changes[name] for name in names})

    async def delete_post(self, pb: PocketBase) -> None:
        await self._delete(pb, "posts")

    async def change_relation(self, pb: PocketBase) -> None:
        await self._update(pb, "posts", {"author": self._pick("authors")})

    async def hide_post(self, pb: PocketBase) -> None:
        await self._update(pb, "posts", {"hidden": self._source.random() < 0.5})

    async def create_comment(self, pb: PocketBase) -> None:
        await self._create(pb, "comments", {"name": self._source.choice("abc"), "post": self._pick("posts")})

    async def move_comment(self, pb: PocketBase) -> None:
        await self._update(pb, "comments", {"post": self._pick("posts")})

    async def rename_comment(self, pb: PocketBase) -> None:
        await self._update(pb, "comments", {"name": self._source.choice("abc")})

    async def delete_comment(self, pb: PocketBase) -> None:
        await self._delete(pb, "comments")

    async def create_author(self, pb: PocketBase) -> None:
        await self._create(pb, "authors", {"name": self._source.choice("abc")})

    async def rename_author(self, pb: PocketBase) -> None:
        await self._update(pb, "authors", {"name": self._source.choice("abc")})

    async def delete_author(self, pb: PocketBase) -> None:
        await self._delete(pb, "authors")

    async def change_rules_of_posts(self, pb: PocketBase) -> None:
        await self._change_rules(pb, "posts", self._source.choice(POSTS_RULES))

    async def change_rules_of_related(self, pb: PocketBase) -> None:
        await self._change_rules(pb, self._source.choice(["authors", "comments"]), self._source.choice(RELATED_RULES))

    async def sign_in(self, _: PocketBase) -> None:
        """Sign the watching client in: as another user, as the same one again, or after a time as a guest."""
        user = self._source.choice(USERS)
        await self._watching.collection("users").auth.with_password(f"{user}@example.com", PASSWORD)

    async def sign_out(self, _: PocketBase) -> None:
        self._watching.auth_store.clear()

    def _post(self) -> dict[str, Any]:
        source = self._source
        title = f"{source.choice('aBé日')}{source.randrange(100)}"
        return {"title": title, "n": source.randrange(40), "tag": source.choice("xyz"), "owner": self._owner()}

    def _owner(self) -> str:
        return self._source.choice(["", *USERS])

    def _pick(self, collection: str) -> str:
        """Return the id of a record; an empty text if there is none."""
        ids = self._ids[collection]
        return self._source.choice(ids) if ids else ""

    async def _create(self, pb: PocketBase, collection: str, body: dict[str, Any]) -> None:
        self._ids[collection].append((await pb.collection(collection).create(body))["id"])

    async def _update(self, pb: PocketBase, collection: str, body: dict[str, Any]) -> None:
        if record_id := self._pick(collection):
            await pb.collection(collection).update(record_id, body)

    async def _delete(self, pb: PocketBase, collection: str) -> None:
        if record_id := self._pick(collection):
            self._ids[collection].remove(record_id)
            await pb.collection(collection).delete(record_id)

    async def _change_rules(self, pb: PocketBase, collection: str, rule: str | None) -> None:
        await pb.collections.update(collection, {"listRule": rule, "viewRule": rule})
