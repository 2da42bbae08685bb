"""Send several writes as one transaction: either all of them succeed or none."""

import asyncio
import os

from pocketbase_core import PocketBase, PocketBaseBatchError

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    async with PocketBase(URL) as pb:
        async with pb.create_batch() as batch:  # sent at the end of the block
            first = batch.collection("posts").create({"title": "First"})
            batch.collection("posts").create({"title": "Second"})
        print(first.body["title"])

        failing = pb.create_batch()
        failing.collection("posts").create({"title": "Third"})
        failing.collection("posts").delete("no-such-record")
        try:
            await failing.send()
        except PocketBaseBatchError as error:
            print({index: member.status for index, member in error.errors.items()})


if __name__ == "__main__":
    asyncio.run(main())
