"""Do jobs in forked processes, as Celery does: the parent and its children use the client of the module."""

import multiprocessing
import os
import random
import time
from typing import Any

from pocketbase_core.blocking import PocketBase

pb = PocketBase(os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090"))
PROCESSES, JOBS = 3, 12


def do(post_id: str) -> tuple[int, str]:
    """Do a job, in a child."""
    post: dict[str, Any] = pb.collection("posts").get_one(post_id)
    time.sleep(random.uniform(0, 0.1))
    pb.collection("posts").update(post_id, {"n+": 1})
    return os.getpid(), post["title"]


def main() -> None:
    posts = pb.collection("posts")
    jobs = [posts.create({"title": f"Job {number}"})["id"] for number in range(1, JOBS + 1)]
    with posts.live(filter="n = 1") as done, multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for process, title in pool.imap_unordered(do, jobs):
            print(f"process {process} has done {title}")
        while any(done.get(job) is None for job in jobs):
            done.next(timeout=10)
    print(f"the parent has seen each of {JOBS} jobs done once")


if __name__ == "__main__":
    with pb:
        main()
