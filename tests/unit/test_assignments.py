"""What is assigned to a client takes effect, or is refused with an error that says what to do."""

import asyncio
import gc
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, cast
from unittest import mock

import pytest

from pocketbase_core import AsyncAuthStore, AuthStore, PocketBase, Request, RequestDraft, Response
from pocketbase_transports import MockTransport

from ..helpers.tokens import token
from ..helpers.virtual_clock import pass_time
from ..helpers.virtual_server import FakeServer, WithServer, listen, sign_in
from ..helpers.virtual_server import with_server as with_server

Respond = Callable[[Request], Response | Awaitable[Response]]


def store_of(name: str, /, **record: Any) -> AuthStore:
    store = AuthStore()
    store.save(token(3600, name, id=name), {"id": name, "collectionName": "users", **record})
    return store


def client(respond: Respond | None = None, **arguments: Any) -> tuple[PocketBase, list[Request]]:
    seen: list[Request] = []

    def handler(request: Request) -> Any:
        seen.append(request)
        return Response(200, json={"id": "x"}) if respond is None else respond(request)

    return PocketBase("http://h", transport=MockTransport(handler), middleware=[], **arguments), seen


def senders(seen: list[Request]) -> list[str]:
    return [request.headers.get("Authorization", "") for request in seen]


class Held:
    """A handler that responds to the first request once `go_on` is set."""

    def __init__(self, response: Response) -> None:
        self.go_on = asyncio.Event()
        self.arrived = asyncio.Event()
        self._response = response

    async def __call__(self, request: Request) -> Response:
        self.arrived.set()
        await self.go_on.wait()
        return self._response


async def test_calls_after_an_assignment_are_sent_as_the_user_of_the_new_store() -> None:
    one, two = store_of("one"), store_of("two")
    pb, seen = client(auth_store=one)
    posts, batch = pb.collection("posts"), pb.create_batch()
    await posts.get_one("a")
    pb.auth_store = two
    assert pb.auth_store is two
    await posts.get_one("a")
    await pb.collection("posts").get_one("a")
    await pb.files.download_file("posts", "a", "b")
    batch.collection("posts").delete("a")
    with pytest.raises(Exception, match="expected"):
        await batch.send()
    pb.auth_store = AuthStore()
    await posts.get_one("a")
    assert senders(seen) == [one.token, *[two.token] * 4, ""]


async def test_a_sign_in_after_an_assignment_fills_the_new_store() -> None:
    one, two = AuthStore(), AuthStore()
    pb, _ = client(lambda _: Response(200, json={"token": "t", "record": {"id": "u"}}), auth_store=one)
    users = pb.collection("users")
    pb.auth_store = two
    await users.auth.with_password("a", "b")
    assert (one.token, two.token) == ("", "t")


async def test_a_call_in_progress_changes_the_store_of_the_user_who_made_it() -> None:
    one, two = store_of("u", name="old"), store_of("u", name="old")
    held = Held(Response(200, json={"id": "u", "name": "new"}))
    pb, seen = client(held, auth_store=one)
    updating = asyncio.create_task(pb.collection("users").update("u", {"name": "new"}))
    await held.arrived.wait()
    pb.auth_store = two
    held.go_on.set()
    await updating
    assert [(store.record or {})["name"] for store in (one, two)] == ["new", "old"]
    assert senders(seen) == [one.token]


async def test_a_sign_in_in_progress_fills_the_store_that_it_began_with() -> None:
    one, two = AuthStore(), store_of("two")
    held = Held(Response(200, json={"token": "t", "record": {"id": "u"}}))
    pb, _ = client(held, auth_store=one)
    signing_in = asyncio.create_task(pb.collection("users").auth.with_password("a", "b"))
    await held.arrived.wait()
    kept = two.token
    pb.auth_store = two
    held.go_on.set()
    await signing_in
    assert (one.token, two.token) == ("t", kept)


async def test_a_call_of_several_requests_in_progress_is_sent_as_the_user_who_made_it() -> None:
    one, two = store_of("one"), store_of("two")
    held = Held(Response(200, json={"id": "x"}))
    pb, seen = client(held, auth_store=one)
    creating = asyncio.create_task(pb.collection("members").create({"password": "p"}))
    await held.arrived.wait()
    pb.auth_store = two
    held.go_on.set()
    await creating
    assert senders(seen) == [one.token, one.token]
    assert [request.method for request in seen] == ["GET", "POST"]


async def test_a_batch_in_progress_belongs_to_the_user_who_sent_it() -> None:
    one, two = store_of("u", name="old"), store_of("u", name="old")
    held = Held(Response(200, json=[{"status": 200, "body": {"id": "u", "name": "new"}}]))
    pb, seen = client(held, auth_store=one)
    batch = pb.create_batch()
    batch.collection("users").update("u", {"name": "new"})
    sending = asyncio.create_task(batch.send())
    await held.arrived.wait()
    pb.auth_store = two
    held.go_on.set()
    await sending
    assert senders(seen) == [one.token]
    assert [(store.record or {})["name"] for store in (one, two)] == ["new", "old"]


async def test_a_refresh_in_progress_renews_the_store_that_it_began_with_and_the_waiting_call() -> None:
    one, two = AuthStore(), store_of("two")
    one.save(token(30, "old", id="one"), {"id": "one"})
    renewed = token(3600, "new", id="one")
    go_on, refreshing = asyncio.Event(), asyncio.Event()

    async def respond(request: Request) -> Response:
        if not request.url.endswith("auth-refresh"):
            return Response(200, json={})
        refreshing.set()
        await go_on.wait()
        return Response(200, json={"token": renewed, "record": {"id": "one"}})

    pb, seen = client(respond, auth_store=one)
    waiting = asyncio.create_task(pb.collection("posts").get_one("a"))
    await refreshing.wait()
    kept = two.token
    pb.auth_store = two
    await pb.collection("posts").get_one("b")
    go_on.set()
    await waiting
    assert (one.token, two.token) == (renewed, kept)
    assert senders(seen)[1:] == [kept, renewed]


def test_closing_the_client_writes_what_a_store_before_has_not_written_yet() -> None:
    saved: list[str] = []

    async def save(text: str) -> None:
        saved.append(text)

    pb, _ = client(auth_store=AsyncAuthStore(save=save))
    pb.auth_store.save("one")  # no event loop is running
    pb.auth_store = AsyncAuthStore(save=save)
    pb.auth_store.save("two")
    pb.auth_store = AuthStore()
    asyncio.run(pb.aclose())
    assert ["one" in text for text in saved] == [True, False]


async def test_closing_the_client_ends_the_refresh_of_a_store_before() -> None:
    refreshing = asyncio.Event()

    async def stall(request: Request) -> Response:
        refreshing.set()
        await asyncio.Event().wait()
        raise AssertionError

    pb, _ = client(stall)
    pb.auth_store.save(token(30))
    waiting = asyncio.create_task(pb.health.check(timeout=None))
    await refreshing.wait()
    pb.auth_store = AuthStore()
    await pb.aclose()
    assert "token refresh" not in {task.get_name() for task in asyncio.all_tasks()}
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_assigning_the_present_store_again_changes_nothing() -> None:
    pb, seen = client(auth_store=store_of("one"))
    pb.auth_store = pb.auth_store
    await pb.health.check()
    assert senders(seen) == [pb.auth_store.token]


async def test_stores_that_have_nothing_to_write_are_not_kept_after_an_assignment() -> None:
    pb, _ = client()
    stores: list[weakref.ref[AuthStore]] = []

    def assign_another(number: int) -> None:
        store = store_of(f"user{number}")
        pb.auth_store = store
        stores.append(weakref.ref(store))

    for number in range(100):
        assign_another(number)
    gc.collect()
    assert sum(each() is not None for each in stores) <= 1, "only the present store is kept"


async def test_a_client_of_another_user_keeps_its_store() -> None:
    one, two, three = store_of("one"), store_of("two"), store_of("three")
    pb, seen = client(auth_store=one)
    other = pb.with_auth_store(two)
    pb.auth_store = three
    await other.health.check()
    await pb.health.check()
    other.auth_store = one
    await other.health.check()
    await pb.health.check()
    assert senders(seen) == [two.token, three.token, one.token, three.token]


def test_a_subclass_assigns_its_store_after_its_base_was_initialized() -> None:
    class Early(PocketBase):
        def __init__(self) -> None:
            self.auth_store = AuthStore()
            super().__init__("http://h")

    class Late(PocketBase):
        def __init__(self, store: AuthStore) -> None:
            self.cache: dict[str, str] = {}
            self.timeout = 5
            super().__init__("http://h")
            self.auth_store = store
            self.lang = "de"
            self.users = self.collection("users")

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(…\) before you assign it"):
        Early()
    store = AuthStore()
    assert Late(store).auth_store is store
    assert Late(store).headers() == {"Accept-Language": "de"}


def test_realtime_follows_the_new_store(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        former, pb = server.pb.auth_store, server.pb
        heard = await listen(server, "first")
        await pass_time(10)
        other = AuthStore()
        other.save(token(0, "second", exp=time.time() + 10**6, id="u2"), {"id": "u2"})
        server.emit("1")  # for the user before; it is still queued
        pb.auth_store = other
        server.emit("2")
        await pass_time(1)
        assert (server.tokens[-1], len(server.connects)) == (other.token, 2)
        assert (heard.messages, len(heard.gaps)) == ([], 1)
        server.emit("3")
        await pass_time(1)
        assert heard.messages == [3]
        former.save(token(0, "third", exp=time.time() + 10**6))
        await pass_time(1)
        assert len(server.connects) == 2, "the store before is still watched"
        sign_in(server, "fourth")
        await pass_time(1)
        assert (server.tokens[-1], len(server.connects)) == (other.token, 3)
        await pb.realtime.close()
        callbacks = [getattr(store, "_callbacks") for store in (former, other)]
        assert callbacks == [[], []]


def test_realtime_goes_on_without_a_gap_if_the_new_store_has_the_same_sign_in(with_server: WithServer) -> None:
    @with_server
    async def _(server: FakeServer) -> None:
        heard = await listen(server, "first")
        copy = AuthStore()
        copy.save(server.pb.auth_store.token)
        server.pb.auth_store = copy
        await pass_time(1)
        server.emit("1")
        await pass_time(1)
        assert (len(server.connects), heard.messages, heard.gaps) == (1, [1], [])


def assign(pb: PocketBase, name: str, value: object) -> None:
    setattr(pb, name, value)  # as a program without types does


def mark(value: str) -> Callable[[RequestDraft], RequestDraft]:
    """Return a hook that sets a header."""

    def hook(request: RequestDraft) -> RequestDraft:
        request.headers["X-Hook"] = value
        return request

    return hook


async def test_an_assigned_hook_is_called_until_another_takes_its_place() -> None:
    pb, seen = client()
    statuses: list[int] = []

    async def mark_slowly(request: RequestDraft) -> RequestDraft:
        await asyncio.sleep(0)
        return mark("async")(request)

    def note(response: Response) -> None:
        statuses.append(response.status_code)

    assign(pb, "before_send", mark_slowly)
    assign(pb, "after_send", note)
    await pb.health.check()
    other = pb.with_auth_store(AuthStore())
    assign(pb, "before_send", mark("plain"))
    await pb.health.check()
    await other.health.check()
    assign(pb, "before_send", None)
    await pb.health.check()
    assert [request.headers.get("X-Hook") for request in seen] == ["async", "plain", "async", None]
    assert statuses == [200] * 4


async def test_an_assigned_hook_takes_the_place_of_the_method_of_a_subclass_until_it_is_deleted() -> None:
    class Hooked(PocketBase):
        async def before_send(self, request: RequestDraft) -> RequestDraft:
            request.headers["X-Hook"] = "method"
            return request

    seen: list[Request] = []

    def respond(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={})

    pb = Hooked("http://h", transport=MockTransport(respond))
    with mock.patch.object(pb, "before_send", mark("patched")):
        await pb.health.check()
    await pb.health.check()
    assign(pb, "before_send", None)
    await pb.health.check()
    assert [request.headers.get("X-Hook") for request in seen] == ["patched", "method", None]


async def test_a_hook_is_kept_when_the_store_is_assigned() -> None:
    pb, seen = client()
    assign(pb, "before_send", mark("1"))
    pb.auth_store = store_of("one")
    await pb.health.check()
    assert (seen[0].headers["X-Hook"], senders(seen)) == ("1", [pb.auth_store.token])


def js_hook(url: str, options: Any) -> Any: ...


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (js_hook, r"called with one argument, the request: async def before_send\(request\)"),
        ("hook", "must be a function of one argument, the request"),
        (RequestDraft, "must be a function of one argument, the request"),
    ],
)
async def test_a_hook_of_another_signature_is_refused_and_the_one_before_stays(hook: Any, words: str) -> None:
    pb, seen = client()
    assign(pb, "before_send", mark("1"))
    with pytest.raises(TypeError, match=words):
        assign(pb, "before_send", hook)
    await pb.health.check()
    assert seen[0].headers["X-Hook"] == "1"


def test_a_method_of_another_signature_in_a_subclass_is_refused_when_the_client_is_created() -> None:
    async def after_send(self: PocketBase, response: Response, data: object) -> object:
        return data

    hooked = type("Hooked", (PocketBase,), {"after_send": after_send})
    with pytest.raises(TypeError, match="after_send is called with one argument, the response"):
        hooked("http://h")


async def test_the_language_can_be_changed() -> None:
    pb, seen = client(lang="fr")
    await pb.health.check()
    pb.lang = "de"
    await pb.health.check()
    assert [request.headers["Accept-Language"] for request in seen] == ["fr", "de"]
    with pytest.raises(TypeError, match="lang must be text"):
        assign(pb, "lang", None)


REFUSED = [
    ("base_url", "create another client for another server"),
    ("baseUrl", "use base_url"),
    ("baseURL", "use base_url"),
    ("authStore", "use auth_store"),
    ("beforeSend", "use before_send"),
    ("afterSend", "use after_send"),
    ("auth_stor", "did you mean auth_store?"),
    ("autoCancellation", "no call is cancelled automatically"),
    ("timeout", "PocketBase(…, timeout=…)"),
    ("transport", "PocketBase(…, transport=…)"),
    ("middleware", "PocketBase(…, middleware=…)"),
    ("files", "it is read-only"),
    ("realtime", "it is read-only"),
    ("headers", "override headers() in a subclass"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_an_assignment_without_effect_is_refused(name: str, words: str) -> None:
    pb, _ = client()
    with pytest.raises(AttributeError) as caught:
        assign(pb, name, cast(Any, None))
    assert f"PocketBase.{name} cannot be assigned; " in str(caught.value)
    assert words in str(caught.value)


def test_other_attributes_and_methods_can_be_assigned() -> None:
    pb, _ = client()
    pb.filter_escapes = True
    assert pb.filter("a = {:a}", a="\\") == 'a = "\\\\"'
    assign(pb, "cache", {})
    assign(pb, "send", mock.AsyncMock(return_value=3))
    with mock.patch.object(pb, "collection"):
        pass


def test_a_client_for_another_user_has_the_attributes_of_a_subclass_with_slots() -> None:
    class Client(PocketBase):
        __slots__ = ("tenant",)

        def __init__(self) -> None:
            super().__init__("http://h", transport=MockTransport(lambda _: Response(204)))
            self.tenant = "a"

    assert Client().with_auth_store(AuthStore()).tenant == "a"
