"""Python source, as ruff formats it."""

from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width

LINE_LENGTH = 88


def quote(text: str) -> str:
    """Return a string literal. Its quotes are those that need fewer backslashes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    characters = (
        f"\\{character}"
        if character in ("\\", mark)
        else character
        if character.isprintable()
        else repr(character)[1:-1]
        for character in text
    )
    return f"{mark}{''.join(characters)}{mark}"


def fits(line: str, indentation: int = 0) -> bool:
    """Return whether a line is short enough. Characters of East Asia are two columns wide, and marks on others none."""
    columns = sum(2 if east_asian_width(each) in "WF" else not combining(each) for each in line)
    return indentation + columns <= LINE_LENGTH


def bracketed(before: str, items: Sequence[str], after: str) -> list[str]:
    """Return items in brackets: in one line if they fit, else one line each."""
    line = f"{before}{', '.join(items)}{after}"
    if fits(line) or len(items) == 1 or not fits(before):
        return [kept(line)]
    return exploded(before, items, after)


def exploded(before: str, items: Iterable[str], after: str) -> list[str]:
    """Return items in brackets, one line each."""
    return [before, *(f"    {item}," for item in items), after]


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines of a block."""
    return [f"    {line}" if line else "" for line in lines]


def kept(line: str, indentation: int = 0) -> str:
    """Return a line that cannot be broken. Formatters are told to leave the line as it is if the line is too long."""
    return line if fits(line, indentation) else f"{line}  # fmt: skip"


def closing(bracket: str, lines: Iterable[str]) -> str:
    """Return the last line of a statement, which tells formatters to leave the statement as it is if a line is long."""
    return bracket if all(map(fits, lines)) else f"{bracket}  # fmt: skip"


class Imports:
    """The names that the source imports."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def use(self, module: str, name: str) -> str:
        """Import a name, and return it."""
        self._names.setdefault(module, set()).add(name)
        return name

    def lines(self) -> list[str]:
        """Return the statements: those of the standard library, an empty line, and those of other packages."""
        packages = ("msgspec", "pocketbase_core", "pydantic")
        others = sorted(module for module in self._names if module.partition(".")[0] in packages)
        standard = sorted(self._names.keys() - {*others})
        return [*self._statements(standard), "", *self._statements(others)]

    def _statements(self, modules: Iterable[str]) -> list[str]:
        lines: list[str] = []
        for module in modules:
            names = sorted(self._names[module], key=lambda name: (not name.isupper(), not name[0].isupper(), name))
            line = f"from {module} import {', '.join(names)}"
            lines += [line] if fits(line) else exploded(f"from {module} import (", names, ")")
        return lines
