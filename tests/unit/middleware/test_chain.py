"""A middleware with a mistake is named in the error, at the client's creation or at the first call."""

import functools
from collections.abc import Awaitable
from typing import Any

import pytest

from pocketbase_core import PocketBase, Request, Response
from pocketbase_core.middleware import Handler, Logging, Retry
from pocketbase_transports import MockTransport


def client(*middleware: Any) -> PocketBase:
    return PocketBase("http://h", transport=MockTransport(lambda _: Response(200, json={})), middleware=middleware)


async def forgets_to_return(request: Request, call_next: Handler) -> None:
    await call_next(request)


def forgets_to_return_too(request: Request, call_next: Handler) -> None: ...


def is_not_a_coroutine_function(request: Request, call_next: Handler) -> Response:
    return Response(200)


async def returns_the_request(request: Request, call_next: Handler) -> Request:
    return request


class ForgetsToReturn:
    async def __call__(self, request: Request, call_next: Handler) -> None:
        await call_next(request)


class RetryThatForgets(Retry):
    def __call__(self, request: Request, call_next: Handler) -> Any:
        sending: Any = super().__call__(request, call_next)
        sending.close()


@pytest.mark.parametrize(
    ("middleware", "name", "returned"),
    [
        (forgets_to_return, "forgets_to_return", "NoneType"),
        (forgets_to_return_too, "forgets_to_return_too", "NoneType"),
        (is_not_a_coroutine_function, "is_not_a_coroutine_function", "Response"),
        (returns_the_request, "returns_the_request", "Request"),
        (ForgetsToReturn(), "ForgetsToReturn", "NoneType"),
        (ForgetsToReturn().__call__, "ForgetsToReturn.__call__", "NoneType"),
        (functools.partial(forgets_to_return), "partial", "NoneType"),
        (RetryThatForgets(), "RetryThatForgets", "NoneType"),
    ],
)
async def test_a_middleware_that_returns_no_response_is_named(middleware: Any, name: str, returned: str) -> None:
    words = rf"^the middleware {name} must be a coroutine function that returns a Response, .*; it returned {returned}$"
    for layers in ([middleware], [Retry(), middleware, Logging()], [Logging(), middleware]):
        with pytest.raises(TypeError, match=words):
            await client(*layers).health.check()
        with pytest.raises(TypeError, match=words):
            async with client(*layers).files.stream("a", "b", "c"):
                pass


async def test_a_middleware_that_forgets_the_request_sees_what_call_next_takes() -> None:
    async def forgets(request: Request, call_next: Any) -> Response:
        response: Response = await call_next()
        return response

    for layers in ([forgets, Retry()], [forgets, forgets], [forgets, Logging()]):
        with pytest.raises(TypeError, match=r"call_next\(\) missing 1 required positional argument: 'request'"):
            await client(*layers).health.check()


async def test_every_callable_that_takes_two_arguments_is_a_middleware() -> None:
    class Middleware:
        @staticmethod
        def static(request: Request, call_next: Handler) -> Awaitable[Response]:
            return call_next(request)

        @classmethod
        def of_class(cls, request: Request, call_next: Handler) -> Awaitable[Response]:
            return call_next(request)

        async def method(self, request: Request, call_next: Handler, more: int = 0) -> Response:
            return await call_next(request)

    def with_one_more(more: int, request: Request, call_next: Handler) -> Awaitable[Response]:
        return call_next(request)

    async def starred(*args: Any, **kwargs: Any) -> Response:
        response: Response = await args[1](args[0])
        return response

    layers = [Middleware.static, Middleware.of_class, Middleware().method, functools.partial(with_one_more, 1), starred]
    assert await client(*layers).health.check() == {}


def test_a_callable_without_a_signature_is_taken_for_a_middleware() -> None:
    function: Any = max  # in C: nothing is known about its arguments
    PocketBase("http://h", middleware=[function])


async def test_a_runtime_error_of_a_middleware_is_raised_unchanged() -> None:
    async def fail(request: Request, call_next: Handler) -> Response:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match=r"^a bug$"):
        await client(fail).health.check()


def with_a_keyword(request: Request, call_next: Handler, *, more: int) -> Any: ...
def with_three(request: Request, call_next: Handler, more: int) -> Any: ...


@pytest.mark.parametrize("middleware", [with_a_keyword, with_three, ForgetsToReturn.__call__])
def test_a_middleware_with_other_arguments_is_refused_when_the_client_is_created(middleware: Any) -> None:
    with pytest.raises(TypeError, match=r"must take \(request, call_next\)$"):
        client(middleware)


@pytest.mark.parametrize("middleware", [Retry(), "retry", None.__eq__, 3, {1: Retry}.get])
def test_an_object_that_is_no_list_is_refused_as_the_middleware_of_a_client(middleware: Any) -> None:
    with pytest.raises(TypeError, match="middleware must be a list"):
        PocketBase("http://h", middleware=middleware)
