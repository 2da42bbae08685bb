"""The functions that users of the blocking client pass, and the threads that call them."""

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pocketbase_core import AuthStore, PasswordCredentials, Request, RequestDraft, Response, ServerSentEvent
from pocketbase_core import PocketBase as AsyncPocketBase
from pocketbase_core.blocking import PocketBase
from pocketbase_core.middleware import AfterSend, BeforeSend, Retry
from pocketbase_transports import MockTransport

from ...helpers.tokens import token
from .test_calls import client, own_threads

MAIN = threading.main_thread()


def sign_in_response(request: Request) -> Response:
    """Respond to a sign-in, and to other requests with the token that they came with."""
    if request.url.endswith("/auth-with-password"):
        return Response(200, json={"token": token(3600), "record": {"id": "u1", "collectionName": "users"}})
    return Response(200, json={"signed_in": bool(request.headers.get("Authorization"))})


def emitting(*messages: str) -> MockTransport:
    """Return a transport whose server emits messages of the topic `a`."""
    events = [ServerSentEvent("PB_CONNECT", '{"clientId": "c1"}'), *(ServerSentEvent("a", each) for each in messages)]
    return MockTransport(lambda _: Response(204), events=events)


def test_a_hook_that_blocks_runs_on_the_calling_thread_and_may_make_calls() -> None:
    threads: list[threading.Thread] = []

    def before(draft: RequestDraft) -> RequestDraft:
        threads.append(threading.current_thread())
        if not draft.url.endswith("/inner"):
            draft.headers["X-Inner"] = pb.send("/inner")["url"]
        return draft

    def after(response: Response) -> Response:
        threads.append(threading.current_thread())
        return response

    seen: list[str] = []

    def respond(request: Request) -> Response:
        seen.append(request.headers.get("X-Inner", ""))
        return Response(200, json={"url": "/inner"})

    with client(respond) as pb:
        pb.before_send, pb.after_send = before, after
        pb.send("/outer")
    assert seen == ["", "/inner"]
    assert threads == [MAIN] * 4


def test_a_hook_may_be_a_coroutine_function_or_be_overridden_in_a_subclass() -> None:
    class Own(PocketBase):
        def headers(self) -> dict[str, str]:
            return {**super().headers(), "X-Own": "1"}

        def before_send(self, request: RequestDraft) -> RequestDraft:  # pyright: ignore[reportIncompatibleVariableOverride] - of a hook
            request.headers["X-Hook"] = "2"
            return request

    async def after(response: Response) -> Response:
        await asyncio.sleep(0)
        return response.replace(status_code=200)

    def respond(request: Request) -> Response:
        return Response(404, json=[request.headers["X-Own"], request.headers["X-Hook"]])

    with Own("http://h", transport=MockTransport(respond)) as pb:
        pb.after_send = after
        assert pb.send("/x") == ["1", "2"]


def test_middleware_that_blocks_and_asynchronous_middleware_work_in_one_chain() -> None:
    order: list[tuple[str, bool]] = []

    def note(name: str) -> None:
        order.append((name, threading.current_thread() is MAIN))

    def blocking(request: Request, call_next: Callable[[Request], Response]) -> Response:
        note("blocking in")
        response = call_next(request.with_header("X-A", "1"))
        note("blocking out")
        return response.replace(status_code=201)

    async def asynchronous(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        note("async in")
        response = await call_next(request)
        note("async out")
        return response

    class Counting:
        def __call__(self, request: Request, call_next: Callable[[Request], Response]) -> Response:
            note("object")
            return call_next(request)

    middleware: list[Any] = [blocking, asynchronous, Counting(), Retry(), BeforeSend(lambda _: note("hook"))]
    with client(lambda request: Response(200, json=request.headers["X-A"]), middleware=middleware) as pb:
        assert pb.send_raw("/x").status_code == 201
        assert pb.send("/x") == "1"
    assert order[: len(order) // 2] == [
        ("blocking in", True),
        ("async in", False),
        ("object", True),
        ("hook", True),
        ("async out", False),
        ("blocking out", True),
    ]


def test_the_error_of_a_call_passes_through_middleware_that_blocks() -> None:
    caught: list[Exception] = []

    def middleware(request: Request, call_next: Callable[[Request], Response]) -> Response:
        try:
            return call_next(request)
        except ConnectionError as error:
            caught.append(error)
            return Response(200, json="mended")

    def refuse(_: Request) -> Response:
        raise ConnectionError("no")

    with client(refuse, middleware=[middleware]) as pb:
        assert pb.send("/x") == "mended"
    assert [str(error) for error in caught] == ["no"]


def test_middleware_that_returns_no_response_is_named() -> None:
    def forgetful(request: Request, call_next: Callable[[Request], Response]) -> None:
        call_next(request)

    middleware: list[Any] = [forgetful]
    with client(middleware=middleware) as pb, pytest.raises(TypeError, match=r"forgetful must return a Response"):
        pb.send("/x")

    def number(_: Response) -> Any:
        return 3

    with client(middleware=[AfterSend(number)]) as pb, pytest.raises(TypeError, match="after_send must return"):
        pb.send("/x")


@pytest.mark.parametrize("raised", [ValueError("no"), StopIteration()])
def test_the_error_of_a_hook_is_raised_by_the_call(raised: Exception) -> None:
    def hook(_: object) -> None:
        raise raised

    with client() as pb:
        pb.before_send = hook
        with pytest.raises((ValueError, RuntimeError)) as caught:
            pb.send("/x")
        assert raised in (caught.value, caught.value.__cause__)


def test_credentials_may_block_or_be_asynchronous() -> None:
    def sign_in(pb: PocketBase) -> None:
        assert threading.current_thread() is MAIN
        pb.collection("users").auth.with_password("a", "b")

    async def sign_in_asynchronously(pb: AsyncPocketBase) -> None:
        await pb.collection("users").auth.with_password("a", "b")

    for credentials in (sign_in, sign_in_asynchronously, PasswordCredentials("users", "a", "b")):
        with client(sign_in_response, credentials=credentials) as pb:
            assert pb.send("/x") == {"signed_in": True}
            assert pb.auth_store.is_valid


def test_a_change_of_the_store_in_a_call_is_noticed_on_the_calling_thread() -> None:
    noticed: list[object] = []

    def on_change(token: str, record: object) -> None:
        noticed.append((threading.current_thread(), pb.send("/x")))

    with client(sign_in_response) as pb:
        pb.auth_store.on_change(on_change)
        pb.collection("users").auth.with_password("a", "b")
    assert noticed == [(MAIN, {"signed_in": True})]


def test_a_client_follows_the_store_that_it_is_given() -> None:
    store = AuthStore()
    store.save(token(3600), {"id": "u2"})
    with client(sign_in_response) as pb:
        assert pb.send("/x") == {"signed_in": False}
        pb.auth_store = store
        assert pb.send("/x") == {"signed_in": True}
        with pb.with_auth_store(AuthStore()) as guest:
            assert guest.send("/x") == {"signed_in": False}


def test_callbacks_run_on_a_thread_of_their_own_one_after_the_other() -> None:
    got: list[tuple[str, Any]] = []
    all_came = threading.Event()

    def callback(message: Any) -> None:
        got.append((threading.current_thread().name, message))
        if len(got) == 3:
            all_came.set()

    with PocketBase("http://h", transport=emitting("1", "2", "3")) as pb:
        pb.realtime.subscribe("a", callback)
        assert all_came.wait(10)
    assert got == [("pocketbase-callbacks", number) for number in (1, 2, 3)]
    assert own_threads() == []


def test_a_callback_may_make_calls_unsubscribe_and_close_the_client() -> None:
    done = threading.Event()
    outcome: list[object] = []
    pb = PocketBase("http://h", transport=emitting("1"))

    def callback(_: Any) -> None:
        outcome.append(pb.send_raw("/x").status_code)
        unsubscribe()
        pb.close()
        done.set()

    started = threading.Event()

    def wait_and_call(message: Any) -> None:
        started.wait(10)
        callback(message)

    unsubscribe = pb.realtime.subscribe("a", wait_and_call)
    started.set()
    assert done.wait(10)
    assert outcome == [204]
    with pytest.raises(RuntimeError, match="was closed"):
        pb.send("/x")


def test_a_callback_that_raises_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[tuple[str, str | None]] = []
    both_came = threading.Event()

    def on_error(error: BaseException, topic: str | None) -> None:
        errors.append((str(error), topic))
        if len(errors) == 2:
            both_came.set()

    def callback(message: Any) -> None:
        raise ValueError(f"no {message}")

    with caplog.at_level(logging.CRITICAL), PocketBase("http://h", transport=emitting("1", "2")) as pb:
        pb.realtime.on_error(on_error)
        pb.realtime.subscribe("a", callback)
        assert both_came.wait(10)
        assert pb.send_raw("/x").status_code == 204
    assert errors == [("no 1", "a"), ("no 2", "a")]


def test_a_callback_may_be_a_coroutine_function() -> None:
    came = threading.Event()

    async def callback(_: Any) -> None:
        await asyncio.sleep(0)
        came.set()

    with PocketBase("http://h", transport=emitting("1")) as pb:
        pb.realtime.subscribe(callback, "a")
        assert came.wait(10)


def test_closing_does_not_wait_for_a_callback_that_blocks(caplog: pytest.LogCaptureFixture) -> None:
    came, release = threading.Event(), threading.Event()

    def callback(_: Any) -> None:
        came.set()
        release.wait(30)

    pb = PocketBase("http://h", transport=emitting("1"))
    pb.realtime.subscribe("a", callback)
    assert came.wait(10)
    pb.close()
    assert "a callback is still running" in caplog.text
    release.set()


def test_a_callback_may_return_an_awaitable() -> None:
    came = threading.Event()

    async def note() -> None:
        await asyncio.sleep(0)
        came.set()

    with PocketBase("http://h", transport=emitting("1")) as pb:
        pb.realtime.subscribe("a", lambda _: note())
        assert came.wait(10)


def test_middleware_may_return_what_a_coroutine_function_returns() -> None:
    async def send(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return await call_next(request.with_header("X-A", "1"))

    middleware: list[Any] = [lambda request, call_next: send(request, call_next)]  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - as a user writes it
    with client(lambda request: Response(200, json=request.headers["X-A"]), middleware=middleware) as pb:
        assert pb.send("/x") == "1"


def test_a_hook_for_a_request_that_nobody_waits_for_runs_on_a_thread_of_its_own() -> None:
    threads: list[str] = []

    def hook(request: RequestDraft) -> None:
        if request.method == "POST":  # the subscriptions are submitted
            threads.append(threading.current_thread().name)

    with PocketBase("http://h", transport=emitting()) as pb:
        pb.before_send = hook
        pb.realtime.subscribe("a", print)
        pb.realtime.subscribe("b", print)
    assert threads == ["MainThread", "pocketbase-callback"]


def test_a_callback_that_ends_the_program_ends_itself_alone(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[str] = []
    came = threading.Event()

    def on_error(error: BaseException, _: object) -> None:
        errors.append(str(error))
        came.set()

    with PocketBase("http://h", transport=emitting("1")) as pb:
        pb.realtime.on_error(on_error)
        pb.realtime.subscribe("a", lambda _: sys.exit(3))
        assert came.wait(10)
        assert pb.send_raw("/x").status_code == 204
    assert errors == ["a function raised SystemExit"]
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == ["the callback of 'a' failed"]
