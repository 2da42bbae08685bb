"""A real PocketBase with collections of any size."""

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

OPEN = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
FIELDS = [
    {"name": "title", "type": "text"},
    {"name": "n", "type": "number"},
    {"name": "yes", "type": "bool"},
    {"name": "data", "type": "json"},
    {"name": "file", "type": "file", "maxSelect": 1},
    {"name": "created", "type": "autodate", "onCreate": True},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
]
_FILL = """
INSERT INTO {name} (id, title, n, yes, data, created, updated)
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})
SELECT printf('r%014d', i), 'A title of the usual length', i, i % 2, '{{"tags": ["a", "b"], "views": 17}}',
'2024-01-02 03:04:05.678Z', '2024-01-02 03:04:05.678Z' FROM numbers
"""


async def prepare(server: LocalServer) -> None:
    """Create `posts` with the record that is read and an empty collection `writes`, and enable batches."""
    async with PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        batch = {"enabled": True, "maxRequests": 1000, "timeout": 60, "maxBodySize": 2**27}
        await pb.settings.update({"batch": batch, "logs": {"maxDays": 0}})
        for name in ("posts", "writes"):
            await pb.collections.create({"name": name, "type": "base", **OPEN, "fields": FIELDS})
        record = {"id": "abcdefghijklmno", "title": "A title of the usual length", "n": 42, "yes": True}
        await pb.collection("posts").create({**record, "data": {"tags": ["a", "b"], "views": 17}})


async def fill(server: LocalServer, count: int) -> None:
    """Create a collection `list<count>` with so many records."""
    name = f"list{count}"
    async with PocketBase(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await pb.collections.create({"name": name, "type": "base", **OPEN, "fields": FIELDS})
        await pb.sql.run(_FILL.format(name=name, count=count), timeout=120)
