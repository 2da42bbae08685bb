"""Import a CSV file into a collection. Run it again after an interruption, or when the file has changed.

python examples/bulk_import.py --rows 5000      creates 5,000 rows (default: 100,000) and a throw-away server
python examples/bulk_import.py --csv people.csv --url http://127.0.0.1:8090 --email admin@example.com --password …
"""

import argparse
import asyncio
import csv
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.progress import Progress

from pocketbase_core import PocketBase, PocketBaseError
from pocketbase_core.testing import LocalServer

PEOPLE: dict[str, Any] = {
    "name": "people",
    "type": "base",
    "fields": [
        {"name": "name", "type": "text", "required": True},
        {"name": "email", "type": "email"},
        {"name": "age", "type": "number"},
    ],
    "indexes": ["CREATE UNIQUE INDEX `by_email` ON `people` (`email`)"],
}


def write_rows(path: Path, count: int) -> None:
    """Write a CSV file with `count` rows, two of them invalid."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["name", "email", "age"])
        for number in range(1, count + 1):
            email = "nobody" if number == count // 2 else f"user{number}@example.com"
            table.writerow([f"User {number}", email, "old" if number == count // 3 else 18 + number % 60])


async def import_csv(pb: PocketBase, collection: str, path: Path, key: str) -> None:
    """Store each row of a CSV file once, and print what has become of the rows."""
    with path.open(newline="", encoding="utf-8-sig") as file, Progress() as progress:
        task = progress.add_task(path.name, total=None)
        result = await pb.collection(collection).create_many(
            csv.DictReader(file, restkey="more cells"),
            key=key,
            on_progress=lambda done, _: progress.update(task, completed=done),
        )
    for row in result.failed:
        print(f"row {row.number}: {row.error}")
    print(f"created {result.created}, updated {result.updated}, failed {len(result.failed)}")


async def main(arguments: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        path, url, superuser = arguments.csv, arguments.url, (arguments.email, arguments.password)
        if path is None:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "people.csv"
            write_rows(path, arguments.rows)
        if url is None:
            server = await stack.enter_async_context(LocalServer())
            url, superuser = server.url, server.superuser
        pb = await stack.enter_async_context(PocketBase(url))
        await pb.admins.auth.with_password(*superuser)
        if arguments.url is None:
            await pb.settings.update({"batch": {"enabled": True, "maxRequests": 200, "timeout": 60}})
            await pb.collections.create(PEOPLE)
        await import_csv(pb, arguments.collection, path, arguments.key)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Import a CSV file into a collection.")
    parser.add_argument("--csv", type=Path, help="a file whose first line names the fields (default: create one)")
    parser.add_argument("--rows", type=int, default=100_000, help="number of rows to create")
    parser.add_argument("--url", help="a running server (default: start a throw-away one)")
    parser.add_argument("--email", default="admin@example.com", help="the server's superuser")
    parser.add_argument("--password", default="")
    parser.add_argument("--collection", default="people")
    parser.add_argument("--key", default="email", help="the unique field that identifies a row (email)")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit("stopped; run the command again to continue")
    except (PocketBaseError, ValueError, OSError) as error:
        sys.exit(str(error))
