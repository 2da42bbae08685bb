"""Names in the source: of classes, and of attributes whose field has a name that Python or a library has taken."""

import keyword
import re
from collections.abc import Callable, Iterable, Sequence

from .schema import SchemaError

TAKEN_CLASSES = frozenset(
    {
        "Annotated",
        "Any",
        "BaseModel",
        "BoolField",
        "DateField",
        "Field",
        "Fields",
        "FileUpload",
        "GeoPoint",
        "GeoPointField",
        "JsonField",
        "ListField",
        "Literal",
        "NotRequired",
        "NumberField",
        "Relation",
        "Required",
        "SelectField",
        "Sequence",
        "Struct",
        "TextField",
        "TypedDict",
        "UnsetType",
        "UNSET",
        *filter(str.istitle, keyword.kwlist),
    }
)
"""The names that the source imports, and None, True and False."""
_IN_ANNOTATIONS = frozenset({"bool", "date", "datetime", "float", "int", "list", "str"})
"""The names in annotations, which a field of the same name would hide."""


class Names:
    """The names of the module. No two are alike."""

    def __init__(self) -> None:
        self._taken = {*TAKEN_CLASSES}

    def take(self, name: str, suffixes: Sequence[str] = ("",)) -> str:
        """Return the name, with a number if the name is taken, or the name with one of the suffixes."""
        number, free = 1, name
        while not self._taken.isdisjoint(group := [f"{free}{suffix}" for suffix in suffixes]):
            number += 1
            free = f"{name}{number}"
        self._taken.update(group)
        return free

    def take_class(self, name: str) -> str:
        """Return the name of a collection's class. Its other classes get names that begin with it: `PostsCreate`."""
        return self.take(name, SUFFIXES)

    def take_chosen(self, name: str) -> str:
        """Take the name that the user chose for a collection's class.

        Raises:
            SchemaError: If the name is taken, or is not a name in Python.
        """
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise SchemaError(f"{name!r:.100} is not a name for a class")
        if self.take_class(name) != name:
            raise SchemaError(f"the name {name!r:.100} is taken; choose another one")
        return name

    def attributes(self, fields: Iterable[str], is_reserved: Callable[[str], bool]) -> dict[str, str]:
        """Return the names of attributes, by the names of the fields.

        Args:
            fields: The names of the fields.
            is_reserved: Returns whether no attribute of the class may have a name.
        """
        fields = [*fields]
        attributes = {name: name for name in fields if self._is_free(name) and not is_reserved(name)}
        used = {*attributes.values(), *fields}
        for name in fields:
            if name not in attributes:
                word = re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_") or "field"
                attribute = f"{word}_"
                if not word[0].isalpha() or is_reserved(attribute):
                    attribute = f"field_{word}"
                while attribute in used or not self._is_free(attribute):
                    attribute += "_"
                used.add(attribute)
                attributes[name] = attribute
        return attributes

    def _is_free(self, name: str) -> bool:
        if not name.isidentifier() or name.startswith("__") or keyword.iskeyword(name):
            return False
        return name not in self._taken and name not in _IN_ANNOTATIONS


SUFFIXES = ("", "Create", "Update", "Expand", "Fields", "Relation")
"""The endings that make the names of a collection's classes out of the name of its record class."""


def pascal_case(name: str) -> str:
    """Return `user_profiles` as `UserProfiles`. A name that begins with a digit gets a `C` in front."""
    words = [word for word in re.split(r"_+", name) if word]
    joined = "".join(word[0].upper() + word[1:] for word in words) or "Collection"
    return joined if joined[0].isalpha() else f"C{joined}"
