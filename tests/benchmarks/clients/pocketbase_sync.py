"""The package `pocketbase`, which blocks: requests in flight are threads."""

from .peer import collection
from .worker import Job, repeat_in_threads, serve_blocking


def get_one(job: Job) -> None:
    posts = collection(job, "posts")
    repeat_in_threads(job, lambda _: lambda _: posts.get_one("abcdefghijklmno"))


def full_list(job: Job) -> int:
    records = collection(job, f"list{job.count}").get_full_list(1000)
    assert len(records) == job.count
    return len(records)


def create(job: Job) -> None:
    writes = collection(job, "writes")
    for number in range(job.count):
        writes.create({"title": f"title {number}", "n": number})


if __name__ == "__main__":
    serve_blocking({"get_one": get_one, "full_list": full_list, "create": create})
