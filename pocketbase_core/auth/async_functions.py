"""The functions that an `AsyncAuthStore` is made of, and the texts that they exchange."""

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

Load: TypeAlias = Callable[[], Awaitable[str | bytes | None]]
Lock: TypeAlias = Callable[[], AbstractAsyncContextManager[object]]


def as_text(name: str, value: object, verb: str) -> str:
    """Return a saved text; an empty text for None.

    Args:
        name: What the value is, for the error.
        value: The value.
        verb: What to do with the text instead, for the error.

    Raises:
        TypeError: If the value is neither text, nor bytes, nor None.
    """
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str | None):
        return value or ""
    if inspect.iscoroutine(value):
        value.close()
    hint = "await it first" if inspect.isawaitable(value) else f"{verb} the text that `save` was called with"
    raise TypeError(f"{name} must be text, not {type(value).__name__}; {hint}")


def check_functions(save: object, clear: object, load: object, lock: object) -> None:
    """Raise a TypeError that names the argument which is not a function, and what to pass instead."""
    for name, value in (("save", save), ("clear", clear), ("load", load), ("lock", lock)):
        if callable(value) or (value is None and name != "save"):
            continue
        if inspect.iscoroutine(value):
            value.close()
        hint = "; pass the function itself, without calling it" if inspect.isawaitable(value) else ""
        if hasattr(value, "__aenter__"):
            hint = '; pass a function that returns it, such as `lambda: redis.lock("pocketbase", timeout=30)`'
        raise TypeError(f"{name} must be a function, not {type(value).__name__}{hint}")
    if inspect.iscoroutinefunction(lock) or inspect.isasyncgenfunction(lock):
        raise TypeError("lock must return an async context manager; decorate it with @contextlib.asynccontextmanager")
