"""The package `pocketbase-async`, which has no batches and no iteration."""

import asyncio

from .peer import collection
from .worker import Job, repeat, serve


async def get_one(job: Job) -> None:
    posts = collection(job, "posts")
    await repeat(job, lambda _: posts.get_one("abcdefghijklmno"))


async def full_list(job: Job) -> int:
    records = await collection(job, f"list{job.count}").get_full_list({"batch": 1000})
    assert len(records) == job.count
    return len(records)


async def create(job: Job) -> None:
    writes = collection(job, "writes")
    await repeat(job, lambda number: writes.create({"title": f"title {number}", "n": number}))


if __name__ == "__main__":
    asyncio.run(serve({"get_one": get_one, "full_list": full_list, "create": create}))
