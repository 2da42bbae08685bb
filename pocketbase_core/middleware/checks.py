"""Checks of middleware and hooks when they are passed, so that a mistake is not found in the middle of a call."""

import inspect
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

from .chain import Middleware, middleware_name


def check_middleware(middleware: object) -> list[Middleware]:
    """Return a client's middleware as a list.

    Raises:
        TypeError: If the argument is not a list of functions or objects that are called with a request and `call_next`.
    """
    if callable(middleware) or isinstance(middleware, (str, bytes)) or not isinstance(middleware, Iterable):
        raise TypeError(f"middleware must be a list, such as [Retry(), Logging()], not {middleware_name(middleware)}")
    checked: list[Any] = [*middleware]
    for each in checked:
        name = middleware_name(each)
        if isinstance(each, type):
            raise TypeError(f"a middleware must be an object, not a class: write {name}()")
        if not callable(each):
            raise TypeError(f"a middleware must be callable as (request, call_next), which {each!r:.80} is not")
        if not accepts(each, 2):
            hint = "; for a function of the request alone, use BeforeSend" if accepts(each, 1) else ""
            raise TypeError(f"the middleware {name} must take (request, call_next){hint}")
    return checked


def check_hook(name: str, hook: object, argument: str) -> None:
    """Check a hook.

    Args:
        name: The name of the hook.
        hook: The hook.
        argument: The name of its one argument.

    Raises:
        TypeError: If the hook cannot be called with one argument.
    """
    if not callable(hook) or isinstance(hook, type):
        raise TypeError(f"{name} must be a function of one argument, the {argument}, not {hook!r:.80}")
    if not accepts(hook, 1):
        raise TypeError(
            f"{name} is called with one argument, the {argument}: "
            f"async def {name}({argument}), which returns the {argument}"
        )


def accepts(function: Callable[..., object], count: int) -> bool:
    """Return whether a function can be called with this many positional arguments."""
    code: CodeType | None = getattr(function, "__code__", None)
    if code is not None and (code.co_argcount, code.co_kwonlyargcount) == (count + hasattr(function, "__self__"), 0):
        return True  # as nearly always: `signature` is slow
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # a function in C without a signature
        return True
    return True
