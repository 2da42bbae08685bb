"""The blocking face of the services: each method runs on the portal, and returns when it is done."""

import inspect
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any

from ..calls.call import Call
from ..faces import BlockingFace, Definition, Endpoint, Unsubscribe, dress, value_of
from ..ports import StreamedResponse as AsyncStreamedResponse
from ..realtime.subscription import EventStream as AsyncEventStream
from ..services.flows.pagination import RecordIterator as AsyncRecordIterator
from .callbacks import as_async_iterable, on_calling_thread
from .lease import Lease
from .streams import Block, BlockingContext, EventStream, RecordIterator, StreamedResponse


class BlockingMethods(BlockingFace):
    """A class whose methods return what those of the asynchronous face return when awaited."""

    _lease: Lease
    """The client's claim to the portal."""

    @classmethod
    def _make_method(cls, definition: Definition) -> Callable[..., Any]:
        function = definition.function
        if isinstance(definition, Endpoint):
            return _from_endpoint(function)
        return _from_asynchronous(function)


class BlockingService(BlockingMethods):
    """A service of a blocking client.

    Args:
        lease: The client's claim to the portal.
        arguments: The arguments of the service.
    """

    def __init__(self, lease: Lease, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lease = lease


def _from_endpoint(build: Callable[..., Any]) -> Callable[..., Any]:
    built: object = typing.get_origin(build.__annotations__["return"])

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = build(self, *args, **kwargs)
        portal = self._lease.portal()
        return portal.run(self._pipeline.execute(call) if built is Call else self._send(call))

    return dress(method, build, value_of(build))


def _from_asynchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    adapters = {name: adapt for name, adapt in _ADAPTERS.items() if name in signature.parameters}

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        lease = self._lease
        if not adapters:
            return convert(function(self, *args, **kwargs), lease)
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError:
            return function(self, *args, **kwargs)  # raises an error that names the method
        for name, adapt in adapters.items():
            if name in bound.arguments:
                bound.arguments[name] = adapt(lease, bound.arguments[name])
        return convert(function(*bound.args, **bound.kwargs), lease)

    return dress(method, function, _blocking_result(signature.return_annotation))


_RESULTS: dict[object, Any] = {
    AbstractAsyncContextManager: AbstractContextManager,
    AsyncGenerator: AbstractContextManager,  # of a function with `asynccontextmanager`
    AsyncIterator: Iterator,
    AsyncEventStream: EventStream,
    AsyncStreamedResponse: StreamedResponse,
    Unsubscribe: Callable[[], None],
}
"""The types of the results of blocking methods, by those of asynchronous ones. All others are the same."""


def _blocking_result(annotation: Any) -> Any:
    """Return the annotation of the result of a blocking method.

    Args:
        annotation: The annotation of the result of the asynchronous method.
    """
    if isinstance(annotation, str):  # with names that only type checkers know; the classes of both faces have one name
        return annotation.replace("AbstractAsync", "Abstract")
    generic = _RESULTS.get(typing.get_origin(annotation))
    if generic is None:
        return _RESULTS.get(annotation, annotation)
    return generic[_blocking_result(typing.get_args(annotation)[0])]


def _on_callback_thread(lease: Lease, callback: Any) -> Any:
    return lease.on_callback_thread(callback)


def _on_calling_thread(lease: Lease, function: Any) -> Any:
    return on_calling_thread(function)


def _rows(lease: Lease, rows: Any) -> Any:
    return as_async_iterable(rows)


def _options(lease: Lease, options: Any) -> Any:
    """Adapt the options that hold functions or iterators."""
    if not isinstance(options, Mapping):
        return options
    adapted: dict[str, Any] = {**options}
    if "on_gap" in adapted:
        adapted["on_gap"] = lease.on_callback_thread(adapted["on_gap"])
    if "body" in adapted:
        adapted["body"] = as_async_iterable(adapted["body"], at_once=1)
    return adapted


_ADAPTERS: dict[str, Callable[[Lease, Any], Any]] = {
    "callback": _on_callback_thread,
    "topic": _on_callback_thread,  # `subscribe` takes the callback and the topic in either order
    "record_id": _on_callback_thread,
    "open_url": _on_calling_thread,
    "rows": _rows,
    "options": _options,
    "keywords": _options,
}
"""The functions that adapt arguments, by the name of the parameter."""


def _wrap(block: Block, opened: Any) -> Any:
    opened_type: Any = EventStream if isinstance(opened, AsyncEventStream) else StreamedResponse
    return opened_type(block, opened)


converters: dict[type, Callable[[Lease, Any], Any]] = {AsyncRecordIterator: RecordIterator}
"""The functions that convert results which are neither coroutines nor plain context managers, by their class."""


class _Unsubscribe:
    """A function that ends a subscription."""

    def __init__(self, lease: Lease, unsubscribe: Callable[[], Any]) -> None:
        self._lease = lease
        self._unsubscribe = unsubscribe

    def __call__(self) -> None:
        """End the subscription."""
        self._lease.run(self._unsubscribe())


def convert(result: Any, lease: Lease) -> Any:
    """Return the result of an asynchronous method as the blocking method returns it."""
    if inspect.iscoroutine(result):
        return _convert_value(lease.run(result), lease)
    for each, make in converters.items():
        is_of_class: bool = isinstance(result, each)
        if is_of_class:
            return make(lease, result)
    return BlockingContext(lease, result, _wrap) if hasattr(result, "__aenter__") else result


def _convert_value(value: Any, lease: Lease) -> Any:
    return _Unsubscribe(lease, value) if isinstance(value, partial) else value  # pyright: ignore[reportUnknownArgumentType] - of any result
