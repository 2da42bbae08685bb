"""Run a small list of tasks on a throw-away PocketBase. Type checkers know its records, bodies, filters and sorts.

python -m examples.typed_app

After a change of `schema.json`, this command writes `models.py` again, in the folder of the example:

python -m pocketbase_core models --from schema.json --style dataclass --collections people,tasks,notes -o models.py
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pocketbase_core import PocketBase
from pocketbase_core.fields import NOW
from pocketbase_core.testing import LocalServer

from .models import Notes, NotesCreate, People, Tasks, TasksCreate, TasksFields, TasksUpdate

SCHEMA = Path(__file__).parent / "schema.json"


async def fill(pb: PocketBase) -> None:
    """Create the collections, and records in them."""
    await pb.collections.import_collections(json.loads(SCHEMA.read_text()))
    ann = await pb.collection("people", People).create({"name": "Ann"})
    now = datetime.now(UTC)
    tasks: list[TasksCreate] = [
        {"title": "Cut the hedge", "status": "open", "labels": ["garden"], "due": now - timedelta(days=2)},
        {"title": "Mend the roof", "status": "doing", "labels": ["house", "urgent"], "person": ann.id},
        {"title": "Paint the door", "status": "open", "labels": ["house"], "due": now - timedelta(days=1)},
        {"title": "Sweep the yard", "status": "done", "due": now - timedelta(days=3), "person": ann.id},
    ]
    for task in tasks:
        created = await pb.collection("tasks", Tasks).create(task)
        note: NotesCreate = {"text": f"The tools for “{created.title}” are in the shed.", "task": created.id}
        await pb.collection("notes", Notes).create(note)


def show(heading: str, tasks: list[Tasks]) -> None:
    print(heading)
    for task in tasks:
        person = task.expand and task.expand.person
        labels = ", ".join(task.labels) or "no labels"
        print(f"   {task.title} ({task.status}, {labels}), {person.name if person else 'nobody'}")


async def main() -> None:
    async with LocalServer() as server, PocketBase(server.url) as pb:
        await pb.admins.auth.with_password(*server.superuser)
        await fill(pb)
        tasks = pb.collection("tasks", Tasks)

        overdue = (TasksFields.status != "done") & (TasksFields.due != "") & (TasksFields.due < NOW)
        late = await tasks.get_full_list(filter=overdue, sort=TasksFields.due.asc())
        show(f"Overdue: {overdue}", late)

        change: TasksUpdate = {"status": "done", "labels+": "urgent"}
        show("Done at last", [await tasks.update(late[0].id, change)])

        filters = {
            "Ann's": TasksFields.person.name == "Ann",
            "In the house": TasksFields.labels.any == "house",
            "With a note about the door": TasksFields.notes_via_task.text.any.contains("door"),
        }
        for heading, condition in filters.items():
            found = await tasks.get_full_list(filter=condition, sort=TasksFields.title.asc(), expand="person")
            show(f"{heading}: {condition}", found)


if __name__ == "__main__":
    asyncio.run(main())
