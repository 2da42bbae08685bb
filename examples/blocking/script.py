"""Load rows into a collection and list its records, in a script without an event loop."""

import csv
import io
import os
from collections.abc import Iterable
from typing import Any

from pocketbase_core.blocking import PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")
ROWS = "title,n\nThe ferry sails again,3\nSnow in May,1\nA new library,2\n"


def load(pb: PocketBase, rows: Iterable[dict[str, Any]]) -> None:
    result = pb.collection("posts").create_many(rows, on_progress=lambda done, _: print(done, "rows"))
    print("created", result.created)
    for row in result.failed:
        print(f"row {row.number}: {row.error}")


def show(pb: PocketBase) -> None:
    posts = pb.collection("posts")
    wanted = pb.filter("n >= {:least}", least=2)  # quotes the value
    page = posts.get_list(1, 20, filter=wanted, sort="-n")
    print(page["totalItems"], [post["title"] for post in page["items"]])

    for post in posts.iterate(sort="title"):
        print(post["id"], post["title"])


if __name__ == "__main__":
    with PocketBase(URL) as pb:
        load(pb, csv.DictReader(io.StringIO(ROWS)))
        show(pb)
