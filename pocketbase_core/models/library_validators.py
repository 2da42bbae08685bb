"""Validators of pydantic models and msgspec Structs, which validate for themselves.

PocketBase writes an empty text for whatever has no value: a date, a select, a relation, a file. Where a class refuses
it, None is tried in its place. So `datetime | None` takes both, `str | None` keeps the text, and a validator of the
user's own sees what the server sent. A record that the class accepts as it is costs nothing more.

Both libraries are looked up by the caller, because the core does not import them.
"""

import re
from functools import reduce
from types import ModuleType
from typing import Any

from .validators import ValidationError, Validator

_Path = tuple[str | int, ...]
_EACH = -1
"""The index in a path that stands for all items of a list."""
_PATH_PARTS = re.compile(r"\.([^.\[\]]+)|(\[\d+\])")


def pydantic_validator(model: Any, pydantic: ModuleType) -> Validator:
    """Return the validator of a pydantic model."""

    def validate(value: Any) -> Any:
        try:
            return model.model_validate(value)
        except pydantic.ValidationError as error:
            errors = {each["loc"]: each for each in error.errors(include_url=False)}
        try:
            empty = [path for path, each in errors.items() if each["input"] == ""]
            return model.model_validate(reduce(_with_none, empty, value))
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = first["loc"]
            message = errors.get(path, first)["msg"]  # of the empty text, and not of the None in its place
            raise ValidationError(message, ".".join(map(str, path))) from error

    return validate


def msgspec_validator(model: Any, msgspec: ModuleType) -> Validator:
    """Return the validator of a msgspec Struct. msgspec reports one error at a time, so that None is tried by turns."""

    def validate(value: Any) -> Any:
        tried: dict[_Path, tuple[str, str]] = {}
        while True:
            try:
                return msgspec.convert(value, model)
            except msgspec.ValidationError as error:
                message, _, location = str(error).partition(" - at `$")
                path = _parse_path(location)
                if path in tried:
                    raise ValidationError(*tried[path]) from error
                tried[path] = message, location.strip(".`")
                value = _with_none(value, path)

    return validate


def _parse_path(location: str) -> _Path:
    """Return the path of a msgspec error, such as `.posts[3].when`, for all items of its lists: 1000 take one turn."""
    return tuple(name or _EACH for name, _ in _PATH_PARTS.findall(location.rstrip("`")))


def _with_none(value: Any, path: _Path) -> Any:
    """Return a value with None in place of the empty text at a path. Containers on the way are copied.

    A part of the path that leads nowhere is skipped: pydantic puts the names of a union's members into it.
    """
    if value == "":
        return None
    if not path:
        return value
    key, rest = path[0], path[1:]
    if key == _EACH and isinstance(value, list):
        return [_with_none(item, rest) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if (isinstance(value, dict) and key in value) or (isinstance(value, list) and isinstance(key, int)):
        changed: Any = value.copy()  # pyright: ignore[reportUnknownVariableType]
        changed[key] = _with_none(changed[key], rest)
        return changed
    return _with_none(value, rest)
