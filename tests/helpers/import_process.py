"""A process that writes rows through a broken network, and prints the numbers of the rows that failed.

Arguments: the URL of the server, the token of a superuser, the path of a file with lines of JSON, and `create_many` or
`import_`.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pocketbase_transports import AiohttpTransport

from .shared_collections import client_of


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the file."""
    with path.open("rb") as file:
        yield from map(json.loads, file)


async def main(url: str, token: str, path: Path, method: str) -> None:
    async with client_of(url, transport=AiohttpTransport(), timeout=3.0) as pb:
        pb.auth_store.save(token)
        items = pb.collection("items")
        result = await (items.create_many(rows(path), key="k") if method == "create_many" else items.import_(path, "k"))
        print(json.dumps([row.number for row in result.failed]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
