"""Create a record with a file, and read the file back."""

import asyncio
import os

from pocketbase_core import FileUpload, PocketBase

URL = os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090")


async def main() -> None:
    async with PocketBase(URL) as pb:
        notes = FileUpload(("notes.txt", "any text"))  # or a path: FileUpload("notes.txt")
        post = await pb.collection("posts").create({"title": "With a file", "docs": notes})

        name = post["docs"][0]  # the server adds random letters to the name
        print(name, pb.files.get_url(post, name))
        print(await pb.files.download_file("posts", post["id"], name))


if __name__ == "__main__":
    asyncio.run(main())
