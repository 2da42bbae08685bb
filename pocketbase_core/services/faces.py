"""One definition of each method, for several faces.

A service defines an endpoint once, as a plain function that returns its `Call`:

    class LogService(AsyncFace):
        @endpoint
        def get_one(self, log_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[Log]:
            return logs.get_one(log_id, parse_options(RecordOptions, options, keywords))

The face of the class decides what a method of that name does. On `AsyncFace` the method is a coroutine function, which
executes the call and returns its value; on `BatchFace` the method queues the call. Type checkers read the same from the
overloads of `Endpoint.__get__`: the parameters are those of the definition, the result is that of the face.

The methods are made when a class with a face is defined. Each is a function like any other: it has a docstring and a
signature, whose result is the value of the call, and on `AsyncFace` it is a coroutine function for `inspect`.
"""

import functools
import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ..calls.call import Call
from ..peer_names import AnswersPeerNames
from ..pipeline import Pipeline
from .queued import Queued
from .record_change import RecordChange

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class AsyncFace(AnswersPeerNames):
    """A service whose endpoints are coroutine functions: `await` one to have its call executed."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _make_methods(cls, cls._make_method)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pipeline.base_url!r})"

    @staticmethod
    def _make_method(build: Callable[..., Any]) -> Callable[..., Any]:
        result: object = typing.get_origin(build.__annotations__["return"])
        if result is RecordChange:

            @functools.wraps(build)
            async def send(self: Any, *args: Any, **kwargs: Any) -> Any:  # a service of changes has `_send`
                return await self._send(build(self, *args, **kwargs))

            return send

        @functools.wraps(build)
        async def execute(self: AsyncFace, *args: Any, **kwargs: Any) -> Any:
            return await self._pipeline.execute(build(self, *args, **kwargs))

        return execute


class BatchFace(ABC):
    """A service whose endpoints queue their calls in a batch."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _make_methods(cls, cls._make_method)

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
    """The definition of a method. A class with a face has the method of that face in its place."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self.__doc__ = build.__doc__
        self.build = build

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, instance: AsyncFace, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, instance: BatchFace, owner: type) -> Callable[P, Queued[R]]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self


def _make_methods(face: type, make_method: Callable[[Callable[..., Any]], Any]) -> None:
    """Put the methods of a face in the place of the endpoints that a class defines or inherits."""
    members: dict[str, object] = {}
    for base in reversed(face.__mro__):
        members |= vars(base)
    for name, definition in members.items():
        if isinstance(definition, Endpoint):
            build: Callable[..., Any] = definition.build
            method = make_method(build)
            (result,) = typing.get_args(build.__annotations__["return"])
            del method.__wrapped__  # tools would take the endpoint, which is not a coroutine function, for the method
            method.__signature__ = inspect.signature(build).replace(return_annotation=result)
            setattr(face, name, method)


@overload
def endpoint(build: Callable[Concatenate[S, P], Call[R]]) -> Endpoint[P, R]: ...
@overload
def endpoint(build: Callable[Concatenate[S, P], RecordChange[R]]) -> Endpoint[P, R]: ...
def endpoint(build: Callable[..., Any]) -> Endpoint[Any, Any]:
    """Define a method by the function that builds its call."""
    return Endpoint(build)
