"""Run a command beside a throw-away PocketBase that has the collections of the examples.

python -m examples.blocking python examples/blocking/script.py
python -m examples.blocking python examples/blocking/worker.py
python -m examples.blocking flask --app examples/blocking/flask_app.py run
python -m examples.blocking streamlit run examples/blocking/streamlit_page.py
python -m examples.blocking jupyter lab examples/blocking/notebook.ipynb
"""

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

from pocketbase_core.blocking import LocalServer, PocketBase

ACTIONS = ("list", "view", "create", "update", "delete")
OWN = "@request.auth.id != '' && owner = @request.auth.id"
POSTS: dict[str, Any] = {
    "name": "posts",
    "type": "base",
    **{f"{action}Rule": "" for action in ACTIONS},
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "n", "type": "number"},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
}
NOTES: dict[str, Any] = {
    "name": "notes",
    "type": "base",
    **{f"{action}Rule": OWN for action in ACTIONS},
    "fields": [
        {"name": "text", "type": "text", "required": True},
        {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1, "required": True},
        {"name": "created", "type": "autodate", "onCreate": True},
    ],
}


def prepare(pb: PocketBase) -> None:
    """Create `posts`, in which everybody may do everything, `notes`, which belong to users, and a user."""
    pb.collections.create(POSTS)
    pb.collections.create(NOTES)
    pb.settings.update({"batch": {"enabled": True}})
    pb.collection("users").create({"email": "user@example.com", "password": "password123"})


def main(command: list[str]) -> int:
    with LocalServer() as server:
        with PocketBase(server.url) as pb:
            pb.admins.auth.with_password(*server.superuser)
            prepare(pb)
        print(f"PocketBase: {server.url}, with the user user@example.com, password123", flush=True)
        return subprocess.run(command, env={**os.environ, "POCKETBASE_URL": server.url}).returncode


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
