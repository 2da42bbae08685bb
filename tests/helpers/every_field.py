"""Collections that together have every type and option of fields, and the models that are generated from them."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pocketbase_core import PocketBase
from pocketbase_core.codegen.command import main

from .shared_collections import is_legacy

LEVELS = ["as important as all the others are", "to be done before any other is begun"]
"""The options of a select, too long for one line of source."""
STYLES = ("dataclass", "pydantic", "msgspec", "typeddict")


def every_field(users: str, tags: str, *, with_geo_points: bool, legacy: bool = False) -> list[dict[str, Any]]:
    """Return one field of each type, alone and as a list, plain and required.

    PocketBase 0.22 (`legacy`) has no hidden fields, and makes no values.
    """
    pattern = {} if legacy else {"required": True, "autogeneratePattern": "[a-z]{8}"}
    fields: list[dict[str, Any]] = [
        {"name": "title", "type": "text", "required": True},
        {"name": "slug", "type": "text", **pattern},
        {"name": "body", "type": "editor"},
        {"name": "n", "type": "number"},
        {"name": "count", "type": "number", "onlyInt": True},
        {"name": "done", "type": "bool"},
        {"name": "mail", "type": "email"},
        {"name": "link", "type": "url"},
        {"name": "due", "type": "date"},
        {"name": "kind", "type": "select", "values": ["a", "b", 'it"s', "it's", "ü\\x"], "maxSelect": 1},
        {"name": "level", "type": "select", "values": LEVELS, "maxSelect": 1, "required": True},
        {"name": "kinds", "type": "select", "values": ["a", "b"], "maxSelect": 2},
        {"name": "cover", "type": "file", "maxSelect": 1},
        {"name": "docs", "type": "file", "maxSelect": 5},
        {"name": "author", "type": "relation", "collectionId": users, "maxSelect": 1},
        {"name": "tags", "type": "relation", "collectionId": tags, "maxSelect": 9},
        {"name": "data", "type": "json"},
        {"name": "secret", "type": "text", "hidden": not legacy},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    return [*fields, {"name": "place", "type": "geoPoint"}] if with_geo_points else fields


TAKEN_NAMES: list[dict[str, Any]] = [
    {"name": "label", "type": "text", "required": True},
    {"name": "class", "type": "text"},
    {"name": "2fa", "type": "bool"},
    {"name": "_x", "type": "number"},
    {"name": "__y", "type": "number"},
    {"name": "str", "type": "text"},
    {"name": "length", "type": "number", "onlyInt": True},
    {"name": "desc", "type": "text"},
    {"name": "json", "type": "json"},
    {"name": "model_dump", "type": "text"},
    {"name": "datetime", "type": "date"},
    {"name": "Posts", "type": "text"},
]
"""Fields with names that Python, a library, or the module itself has taken."""


async def create_every_field(pb: PocketBase, *, with_geo_points: bool = True) -> None:
    """Create the collections, as superuser."""
    users = (await pb.collections.get_one("users"))["id"]
    tags = (await pb.collections.create({"name": "tags", "type": "base", "fields": TAKEN_NAMES}))["id"]
    fields = every_field(users, tags, with_geo_points=with_geo_points, legacy=is_legacy(pb.server_version))
    posts = (await pb.collections.create({"name": "posts", "type": "base", "fields": fields}))["id"]
    relations = [("post", posts), ("parent", users)]
    await pb.collections.create(
        {
            "name": "comments",
            "type": "base",
            "fields": [
                {"name": name, "type": "relation", "collectionId": other, "maxSelect": 1} for name, other in relations
            ],
            "indexes": ["CREATE UNIQUE INDEX `by_parent` ON `comments` (`parent`) WHERE `parent` != ''"],
        }
    )
    query = "SELECT id, author, kind, count(n) AS amount, (1 + 2) AS three FROM posts GROUP BY id"
    await pb.collections.create({"name": "stats", "type": "view", "viewQuery": query})
    for name in ("post_s", "post__s", "any", "posts_create"):
        await pb.collections.create({"name": name, "type": "base", "fields": [{"name": "x", "type": "text"}]})


def write_models(folder: Path, collections: list[dict[str, Any]], style: str, *arguments: str) -> Path:
    """Write the models of exported collections, and return the file."""
    (schema := folder / "schema.json").write_text(json.dumps(collections))
    path = folder / f"models_{style}.py"
    assert main(["models", "--from", str(schema), "--style", style, "-o", str(path), *arguments]) == 0
    return path


def import_models(path: Path) -> ModuleType:
    """Import a file of models."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
