"""The fields of a collection, as attributes of a class: what `python -m pocketbase_core models` writes.

    class PostsFields(Fields):
        title: TextField
        class_: Annotated[TextField, "class"]
        author: UsersRelation
        comments_via_post: CommentsFields

    class UsersRelation(UsersFields, Relation): ...

`PostsFields.title` is the field `title`, and `PostsFields.author.name` the name of the author. `PostsFields.author` is
an instance of a class of fields, which knows the path to it; it is compared with ids too, if its class is a `Relation`.
The annotations are read when an attribute is first used, because classes refer to each other.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..input_errors import PocketBaseInputError
from .fields import ListField

MAX_RELATIONS = 6
"""How many relations of a path PocketBase follows."""


class Fields:
    """The base of classes of fields. An instance is the path to the records of a relation, `author.comments_via_post`.

    Raises:
        TypeError: If an annotated name is one of a method of relations. Annotate the field under another name:
            `length_: Annotated[NumberField, "length"]`.
    """

    def __init__(self, path: str) -> None:
        self._text = path

    def __str__(self) -> str:
        return self._text

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in vars(cls).get("__annotations__", ()):
            if name in METHODS:
                raise TypeError(f"{cls.__name__}.{name} hides a method; annotate {name}_: Annotated[…, {name!r}]")
            setattr(cls, name, _Declaration(cls, name))


class Relation(ListField[str]):
    """A relation to a record, or to several, whose ids it is compared with."""


METHODS = frozenset(dir(Relation))
"""The names that no attribute of a class of fields may have."""


class _Declaration:
    """An attribute of a class of fields. Its value is the field, at the path of the relation that it is read from."""

    def __init__(self, owner: type[Fields], attribute: str) -> None:
        self._owner = owner
        self._attribute = attribute

    @cached_property
    def _field(self) -> tuple[Callable[[str], Any], str]:
        """The type of the field, and its name in PocketBase."""
        hint = get_type_hints(self._owner, include_extras=True)[self._attribute]
        field_type, name = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, self._attribute)
        return get_origin(field_type) or field_type, name

    def __get__(self, relation: Fields | None, owner: type[Fields]) -> Any:
        field_type, name = self._field
        if relation is None:
            return field_type(name)
        path = f"{relation}.{name}"
        if path.count(".") > MAX_RELATIONS:
            raise PocketBaseInputError(f"{path!r:.200} leads through more than {MAX_RELATIONS} relations")
        return field_type(path)
