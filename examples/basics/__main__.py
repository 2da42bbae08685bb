"""Run the short examples on a throw-away PocketBase.

python -m examples.basics             runs all of them
python -m examples.basics batch       runs one, or several
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from pocketbase_core import PocketBase
from pocketbase_core.testing import LocalServer

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))

# The hooks make the server send no e-mail and use a fixed one-time password.
CODE = "12345678"
HOOKS = f"""
onRecordRequestOTPRequest((e) => {{ e.password = "{CODE}"; return e.next() }})
onMailerRecordOTPSend((e) => {{}})
"""

FIELDS: list[dict[str, Any]] = [
    {"name": "title", "type": "text"},
    {"name": "n", "type": "number"},
    {"name": "docs", "type": "file", "maxSelect": 9},
    {"name": "created", "type": "autodate", "onCreate": True},
]


async def prepare(pb: PocketBase) -> None:
    """Create the collection `posts`, in which everybody may do everything, and a user who signs in by e-mail."""
    everybody = {f"{action}Rule": "" for action in ("list", "view", "create", "update", "delete")}
    await pb.collections.create({"name": "posts", "type": "base", "fields": FIELDS, **everybody})
    await pb.settings.update({"batch": {"enabled": True}})
    await pb.collections.update("users", {"otp": {"enabled": True}})
    await pb.collection("users").create({"email": "user@example.com", "password": "password123"})


async def main(names: list[str]) -> int:
    async with LocalServer(hooks=HOOKS) as server:
        async with PocketBase(server.url) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await prepare(pb)
        environment = {**os.environ, "POCKETBASE_URL": server.url}
        for name in names:
            hint = f" (the code is {CODE})" if name == "sign_in_with_otp" else ""
            print(f"\n{name}{hint}", flush=True)
            process = await asyncio.create_subprocess_exec(sys.executable, FOLDER / f"{name}.py", env=environment)
            if status := await process.wait():
                return status
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.basics", description="Run the short examples.")
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES, help=", ".join(NAMES))
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in NAMES]:
        parser.error(f"there is no example {unknown[0]!r}")
    sys.exit(asyncio.run(main(arguments.names)))
