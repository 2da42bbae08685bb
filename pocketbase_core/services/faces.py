"""One definition of each method, for several faces.

A service defines an endpoint once, as a plain function that returns its `Call`:

    class LogService(AsyncFace):
        @endpoint
        def get_one(self, log_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[Log]:
            return logs.get_one(log_id, parse_options(RecordOptions, options, keywords))

The face of the class decides what a method of that name does. On `AsyncFace` the method is a coroutine function, which
executes the call and returns its value; on `BatchFace` the method queues the call. Type checkers read the same from the
overloads of `Endpoint.__get__`: the parameters are those of the definition, the result is that of the face.

The method is made when a class is first asked for it, and is a function like any other: with a docstring, a signature
whose result is the value of the call, and `inspect.iscoroutinefunction` where it is one.
"""

import functools
import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ..calls.call import Call
from ..pipeline import Pipeline
from .queued import Queued
from .record_change import RecordChange

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class AsyncFace:
    """A service whose endpoints are coroutine functions: `await` one to have its call executed."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def _execute(self, call: Any) -> Awaitable[Any]:
        """Execute the call that an endpoint has built, and return its value."""
        return self._pipeline.execute(call)

    @staticmethod
    def _make_method(build: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(build)
        async def method(self: AsyncFace, *args: Any, **kwargs: Any) -> Any:
            return await self._execute(build(self, *args, **kwargs))

        return method


class BatchFace(ABC):
    """A service whose endpoints queue their calls in a batch."""

    @abstractmethod
    def _queue(self, change: Any) -> Any:
        """Queue the change that an endpoint has built, and return its `Queued` result."""

    @staticmethod
    def _make_method(build: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(build)
        def method(self: BatchFace, *args: Any, **kwargs: Any) -> Any:
            return self._queue(build(self, *args, **kwargs))

        return method


class Endpoint(Generic[P, R]):
    """The definition of a method. Access through a class or an instance gives the method of its face."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self.__doc__ = build.__doc__
        self._build = build
        self._methods: dict[type, Callable[..., Any]] = {}

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, instance: AsyncFace, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, instance: BatchFace, owner: type) -> Callable[P, Queued[R]]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        method = self._methods.get(owner)
        if method is None:
            method = self._methods[owner] = self._make_method(owner)
        return method if instance is None else MethodType(method, instance)

    def _make_method(self, owner: Any) -> Any:
        method: Any = owner._make_method(self._build)
        (result,) = typing.get_args(self._build.__annotations__["return"])
        method.__signature__ = inspect.signature(self._build).replace(return_annotation=result)
        return method


@overload
def endpoint(build: Callable[Concatenate[S, P], Call[R]]) -> Endpoint[P, R]: ...
@overload
def endpoint(build: Callable[Concatenate[S, P], RecordChange[R]]) -> Endpoint[P, R]: ...
def endpoint(build: Callable[..., Any]) -> Endpoint[Any, Any]:
    """Define a method by the function that builds its call."""
    return Endpoint(build)
