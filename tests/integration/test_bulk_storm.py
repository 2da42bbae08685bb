"""Many rows through a broken network, written by a process that is killed again and again."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest

from pocketbase_core.testing import LocalServer
from pocketbase_transports import AiohttpTransport

from ..helpers.fault_proxy import fault_proxy
from ..helpers.shared_collections import VERSION, allow_batches, client_of

ROWS = int(os.environ.get("POCKETBASE_TEST_ROWS", "10000"))
KILLS = 3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["create_many", "import_"])
async def test_rows_are_stored_once_though_the_process_is_killed_and_the_network_breaks(
    tmp_path: Path, method: str
) -> None:
    seed = random.Random(method)
    wrong = sorted(seed.sample(range(1, ROWS + 1), 20))
    with (path := tmp_path / "rows.jsonl").open("w") as file:
        for number in range(1, ROWS + 1):
            row = {"title": "" if number in wrong else f"title {number}", "k": f"k{number}", "n": number}
            file.write(f"{json.dumps(row)}\n")
    async with LocalServer(VERSION) as server, client_of(server.url, transport=AiohttpTransport()) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await allow_batches(pb, maxRequests=200, timeout=20)
        fields = [{"name": "title", "type": "text", "required": True}, {"name": "k", "type": "text"}]
        fields = [*fields, {"name": "n", "type": "number"}]
        index = "CREATE UNIQUE INDEX `by_k` ON `items` (`k`)"
        await pb.collections.create({"name": "items", "type": "base", "fields": fields, "indexes": [index]})
        items = pb.collection("items")
        async with fault_proxy(int(server.url.rpartition(":")[2]), seed.randrange(1000), 200_000) as proxy:
            arguments = [sys.executable, "-m", "tests.helpers.import_process", proxy.url, pb.auth_store.token]
            arguments += [str(path), method]
            for kill in range(1, KILLS + 1):
                process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
                while process.returncode is None:
                    await asyncio.sleep(0.02)
                    if (await items.get_list(1, 1))["totalItems"] > ROWS * kill // (KILLS + 2):
                        process.kill()
                        break
                await process.wait()
                assert process.returncode == -9, "the process was to be killed in the middle"
            process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
            output, _ = await process.communicate()
            assert proxy.injected, "the network was to break"
        assert process.returncode == 0
        assert json.loads(output) == wrong
        numbers = [record["n"] for record in await items.get_full_list(fields="n")]
        assert sorted(numbers) == sorted({*range(1, ROWS + 1)} - {*wrong})
