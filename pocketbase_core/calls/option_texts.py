"""The options in the docstrings of methods: `help()` shows the type and the meaning of each."""

import inspect
import re
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
LINE = re.compile(r"^( *)Options: (`.*`)\.$", re.MULTILINE)
"""The line of a docstring that lists the names of the options, for those who read the source."""


def list_options(function: F) -> F:
    """Replace the line `Options: …` of a method's docstring by a section that describes each option. Return the method.

    Args:
        function: The method, whose parameter `keywords` has the TypedDict of the options as its type.
    """
    if function.__doc__ and (line := LINE.search(function.__doc__)):
        (options_type,) = typing.get_args(function.__annotations__["keywords"])
        descriptions, indent = _descriptions(options_type), line[1]
        section = [f"{indent}    {descriptions[name]}" for name in re.findall(r"\w+", line[2])]
        function.__doc__ = (
            "\n".join([function.__doc__[: line.start()] + f"{indent}Options:", *section])
            + function.__doc__[line.end() :]
        )
    return function


@cache
def _descriptions(options_type: type) -> dict[str, str]:
    """Return the description of each option by its name: `sort (str): …`."""
    described: dict[str, str] = {}
    for name, annotation in options_type.__annotations__.items():
        value_type, meaning = typing.get_args(annotation)
        described[name] = f"{name} ({_without_modules(value_type)}): {meaning}"
    return described


def _without_modules(annotation: object) -> str:
    return re.sub(r"\b[\w.]+\.", "", inspect.formatannotation(annotation))
