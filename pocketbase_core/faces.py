"""One definition of each method, for several faces.

A service is a class of definitions, and a class for each face:

    class LogMethods(ServiceMethods):
        @endpoint
        def get_one(self, log_id: str, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[Log]:
            return logs.get_one(log_id, parse_options(RecordOptions, options, keywords))

    class LogService(LogMethods, AsyncFace): ...

The face of the class decides what a method of that name does. On `AsyncFace` the method is a coroutine function, which
executes the call and returns its value. On `BlockingFace`, which `pocketbase_core.blocking` implements, the method
returns the value. On `BatchFace` the method queues the call. Type checkers read the same from the overloads of
`__get__`: the parameters are those of the definition, the result is that of the face.

`endpoint` defines a method by a function that builds its call, `method` by the asynchronous function itself.

The methods are made when a class with a face is defined. Each is a function like any other: it has a docstring and a
signature, whose result is the value of the call, and on `AsyncFace` it is a coroutine function for `inspect`.
"""

import functools
import inspect
import typing
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from .calls.call import Call
from .calls.option_texts import list_options
from .peer_names import AnswersPeerNames
from .pipeline import Pipeline

if TYPE_CHECKING:
    from . import blocking
    from .client import PocketBase
    from .live.query import LiveQuery
    from .ports import StreamedResponse
    from .realtime.subscription import EventStream
    from .services.queued import Queued
    from .services.record_change import RecordChange

P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
S = TypeVar("S")
AsyncMethod = Callable[P, Coroutine[Any, Any, R]]
Unsubscribe = Callable[[], Awaitable[None]]
"""A coroutine function that ends a subscription. On the blocking face, the function is not a coroutine function."""


class ServiceMethods(AnswersPeerNames):
    """The definitions of the methods of a service."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pipeline.base_url!r})"


class Definition:
    """The definition of a method, which the faces make methods of."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = list_options(function)
        self.__doc__ = function.__doc__


class Face:
    """A class whose definitions are methods."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        members: dict[str, object] = {}
        for base in reversed(cls.__mro__):
            members |= vars(base)
        for name, definition in members.items():
            if isinstance(definition, Definition):
                made = cls._make_method(definition)
                made.__name__, made.__qualname__ = name, f"{cls.__qualname__}.{name}"
                setattr(cls, name, made)

    @classmethod
    @abstractmethod
    def _make_method(cls, definition: Definition) -> Callable[..., Any]:
        """Return the method for a definition."""
        ...


class AsyncFace(Face):
    """A class whose methods are coroutine functions: `await` one to have its call executed."""

    @classmethod
    def _make_method(cls, definition: Definition) -> Callable[..., Any]:
        function = definition.function
        if isinstance(definition, Method):
            return function
        built: object = typing.get_origin(function.__annotations__["return"])
        method: Callable[..., Any]
        if built is Call:

            async def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
                return await self._pipeline.execute(function(self, *args, **kwargs))

            method = execute
        else:

            async def send(self: Any, *args: Any, **kwargs: Any) -> Any:  # a service of changes has `_send`
                return await self._send(function(self, *args, **kwargs))

            method = send
        return dress(method, function, value_of(function))


class BlockingFace(Face):
    """A class whose methods return when the call is done; `pocketbase_core.blocking` implements it."""


class BatchFace(Face):
    """A class whose methods queue their calls in a batch."""

    @abstractmethod
    def _queue(self, change: Any) -> Any:
        """Queue the change that an endpoint has built, and return its `Queued` result."""
        ...

    @classmethod
    def _make_method(cls, definition: Definition) -> Callable[..., Any]:
        function = definition.function

        def method(self: BatchFace, *args: Any, **kwargs: Any) -> Any:
            return self._queue(function(self, *args, **kwargs))

        return dress(method, function, value_of(function))


class Endpoint(Definition, Generic[P, R]):
    """The definition of a method by the function that builds its call."""

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, instance: AsyncFace, owner: type) -> AsyncMethod[P, R]: ...
    @overload
    def __get__(self, instance: BlockingFace, owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, instance: BatchFace, owner: type) -> "Callable[P, Queued[R]]": ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self


class Method(Definition, Generic[A, B]):
    """The definition of a method by an asynchronous function.

    `A` is the method of the async face, `B` that of the blocking one.
    """

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, instance: AsyncFace, owner: type) -> A: ...
    @overload
    def __get__(self, instance: BlockingFace, owner: type) -> B: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self


@overload
def endpoint(build: Callable[Concatenate[S, P], Call[R]]) -> Endpoint[P, R]: ...
@overload
def endpoint(build: "Callable[Concatenate[S, P], RecordChange[R]]") -> Endpoint[P, R]: ...
def endpoint(build: Callable[..., Any]) -> Endpoint[Any, Any]:
    """Define a method by the function that builds its call."""
    return Endpoint(build)


@overload
def method(
    function: Callable[Concatenate[S, P], Coroutine[Any, Any, R]],
) -> Method[AsyncMethod[P, R], Callable[P, R]]: ...
@overload
def method(
    function: Callable[Concatenate[S, P], AsyncIterator[R]],
) -> Method[Callable[P, AsyncIterator[R]], Callable[P, Iterator[R]]]: ...
@overload
def method(
    function: "Callable[Concatenate[S, P], AbstractAsyncContextManager[EventStream[R]]]",
) -> """Method[
    Callable[P, AbstractAsyncContextManager[EventStream[R]]],
    Callable[P, AbstractContextManager[blocking.EventStream[R]]],
]""": ...
@overload
def method(
    function: "Callable[Concatenate[S, P], AbstractAsyncContextManager[StreamedResponse]]",
) -> """Method[
    Callable[P, AbstractAsyncContextManager[StreamedResponse]],
    Callable[P, AbstractContextManager[blocking.StreamedResponse]],
]""": ...
def method(function: Callable[..., Any]) -> Method[Any, Any]:
    """Define a method by an asynchronous function."""
    return Method(function)


def plain_method(function: Callable[Concatenate[S, P], R]) -> Method[Callable[P, R], Callable[P, R]]:
    """Define a method that waits for nothing, and takes functions that each face calls in its own way."""
    return Method(function)


# As overloads of `method`, these would also match other results: `Any`, and a live query is an iterator too.


def subscribing_method(
    function: Callable[Concatenate[S, P], Coroutine[Any, Any, Unsubscribe]],
) -> Method[AsyncMethod[P, Unsubscribe], Callable[P, Callable[[], None]]]:
    """Define a method that returns a function which ends a subscription."""
    return Method(function)


def client_method(
    function: "Callable[Concatenate[S, P], Coroutine[Any, Any, PocketBase]]",
) -> "Method[AsyncMethod[P, PocketBase], Callable[P, blocking.PocketBase]]":
    """Define a method that returns a client."""
    return Method(function)


def live_method(
    function: "Callable[Concatenate[S, P], LiveQuery[R]]",
) -> "Method[Callable[P, LiveQuery[R]], Callable[P, blocking.LiveQuery[R]]]":
    """Define a method that returns a live query."""
    return Method(function)


def overloaded_method(function: Callable[..., Any]) -> Method[Any, Any]:
    """Define a method whose overloads the annotation of its name declares."""
    return Method(function)


def dress(made: Any, definition: Callable[..., Any], result: object) -> Callable[..., Any]:
    """Give a method that was made for a face the name, the docstring and the signature of its definition.

    Args:
        made: The method.
        definition: The function that defines it.
        result: The annotation of the method's result.
    """
    functools.update_wrapper(made, definition)
    del made.__wrapped__  # tools would take the definition for the method
    made.__annotations__ = {**definition.__annotations__, "return": result}
    made.__signature__ = inspect.signature(definition).replace(return_annotation=result)
    method: Callable[..., Any] = made
    return method


def value_of(definition: Callable[..., Any]) -> object:
    """Return the annotation of the value of an endpoint's call."""
    (value,) = typing.get_args(definition.__annotations__["return"])
    return value
