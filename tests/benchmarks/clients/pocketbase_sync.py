"""The package `pocketbase`, which blocks: requests in flight are threads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from .peer import collection
from .worker import Job, serve


async def get_one(job: Job) -> None:
    posts = collection(job, "posts")
    with ThreadPoolExecutor(job.in_flight) as threads:
        for done in [threads.submit(posts.get_one, "abcdefghijklmno") for _ in range(job.count)]:
            done.result()


async def full_list(job: Job) -> int:
    records = collection(job, f"list{job.count}").get_full_list(1000)
    assert len(records) == job.count
    return len(records)


async def create(job: Job) -> None:
    writes = collection(job, "writes")
    for number in range(job.count):
        writes.create({"title": f"title {number}", "n": number})


if __name__ == "__main__":
    asyncio.run(serve({"get_one": get_one, "full_list": full_list, "create": create}))
