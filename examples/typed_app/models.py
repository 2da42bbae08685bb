# Made by `python -m pocketbase_core models URL --style dataclass --collections people,tasks,notes`. Do not edit.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NotRequired, TypedDict

from pocketbase_core.fields import (
    DateField,
    Fields,
    ListField,
    Relation,
    SelectField,
    TextField,
)

TasksStatus = Literal["open", "doing", "done"]
TasksLabels = Literal["garden", "house", "urgent"]


@dataclass(kw_only=True)
class Notes:
    """A record of the collection `notes`."""

    collectionId: str
    collectionName: str
    id: str
    text: str
    task: str
    expand: NotesExpand | None = None


@dataclass(kw_only=True)
class NotesExpand:
    """The records that `expand` adds to a record of `notes`."""

    task: Tasks | None = None


class NotesCreate(TypedDict):
    """The body that creates a record of `notes`."""

    id: NotRequired[str]
    text: str
    task: str


class NotesUpdate(TypedDict, total=False):
    """The body that changes a record of `notes`."""

    text: str
    task: str


class NotesFields(Fields):
    """The fields of `notes`, for filters and sorts."""

    id: TextField
    text: TextField
    task: TasksRelation


@dataclass(kw_only=True)
class People:
    """A record of the collection `people`."""

    collectionId: str
    collectionName: str
    id: str
    name: str
    expand: PeopleExpand | None = None


@dataclass(kw_only=True)
class PeopleExpand:
    """The records that `expand` adds to a record of `people`."""

    tasks_via_person: list[Tasks] | None = None


class PeopleCreate(TypedDict):
    """The body that creates a record of `people`."""

    id: NotRequired[str]
    name: str


class PeopleUpdate(TypedDict, total=False):
    """The body that changes a record of `people`."""

    name: str


class PeopleFields(Fields):
    """The fields of `people`, for filters and sorts."""

    id: TextField
    name: TextField
    tasks_via_person: TasksFields


class PeopleRelation(PeopleFields, Relation):
    """A relation to `people`."""


@dataclass(kw_only=True)
class Tasks:
    """A record of the collection `tasks`."""

    collectionId: str
    collectionName: str
    id: str
    title: str
    status: TasksStatus | None
    labels: list[TasksLabels]
    due: datetime | None
    person: str
    expand: TasksExpand | None = None


@dataclass(kw_only=True)
class TasksExpand:
    """The records that `expand` adds to a record of `tasks`."""

    person: People | None = None
    notes_via_task: list[Notes] | None = None


class TasksCreate(TypedDict):
    """The body that creates a record of `tasks`."""

    id: NotRequired[str]
    title: str
    status: TasksStatus
    labels: NotRequired[Sequence[TasksLabels] | None]
    due: NotRequired[date | str | None]
    person: NotRequired[str | None]


_TasksUpdateKeys = TypedDict(
    "_TasksUpdateKeys",
    {
        "labels+": TasksLabels | Sequence[TasksLabels],
        "+labels": TasksLabels | Sequence[TasksLabels],
        "labels-": TasksLabels | Sequence[TasksLabels],
    },
    total=False,
)


class TasksUpdate(_TasksUpdateKeys, total=False):
    """The body that changes a record of `tasks`."""

    title: str
    status: TasksStatus
    labels: Sequence[TasksLabels] | None
    due: date | str | None
    person: str | None


class TasksFields(Fields):
    """The fields of `tasks`, for filters and sorts."""

    id: TextField
    title: TextField
    status: SelectField[TasksStatus]
    labels: ListField[TasksLabels]
    due: DateField
    person: PeopleRelation
    notes_via_task: NotesFields


class TasksRelation(TasksFields, Relation):
    """A relation to `tasks`."""
