"""The client, its options and its hooks, on a mock transport."""

import json
import pickle
import subprocess
import sys
from datetime import date
from typing import Any, TypedDict

import pytest

import pocketbase_core
import pocketbase_transports
from pocketbase_core import (
    PocketBase,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseNotFoundError,
    PocketBaseRateLimitError,
    PocketBaseServerError,
    PocketBaseTimeoutError,
    PocketBaseUnauthorizedError,
    Request,
    Response,
)
from pocketbase_core.endpoints import realtime
from pocketbase_core.errors import error_from_response
from pocketbase_core.middleware import AfterSend, BeforeSend, Handler
from pocketbase_core.transport import ErrorMapping, Exchange
from pocketbase_core.transport.discovery import find_transport
from pocketbase_transports import AiohttpTransport, HttpxTransport, MockTransport


def client(*responses: Any, **settings: Any) -> tuple[PocketBase, list[Request]]:
    """Return a client and the list of its requests. The responses have these JSON values in turn, then the last one."""
    remaining, seen = [*responses] or [{}], list[Request]()

    def handler(request: Request) -> Response:
        seen.append(request)
        response = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return response if isinstance(response, Response) else Response(200, json=response)

    return PocketBase("http://h/", transport=MockTransport(handler), **settings), seen


def page(count: int, size: int = 1000) -> dict[str, Any]:
    return {"items": [{"id": str(number)} for number in range(count)], "page": 1, "perPage": size, "totalItems": -1}


async def test_options_as_dict_and_by_keyword_make_the_same_request() -> None:
    pb, seen = client(page(0))
    posts = pb.collection("posts")
    rest: dict[str, Any] = {"headers": {"X": "1"}, "params": {"p": True}, "timeout": 3}
    options = {"filter": "n > 1", "expand": ["a", "b.c"], **rest}
    before = repr(options)
    await posts.get_list(2, 20, options)
    await posts.get_list(page=2, per_page=20, filter="n > 1", expand="a,b.c", **rest)
    await posts.get_list(2, 20, options={"filter": "n > 1", "expand": "a,b.c"}, **rest)
    assert repr(options) == before, "the options of the caller changed"
    assert seen[0] == seen[1] == seen[2]
    expected = {"page": "2", "perPage": "20", "filter": "n > 1", "expand": "a,b.c", "p": "true"}
    assert dict(seen[0].params) == expected
    assert (seen[0].timeout, seen[0].headers["X"], seen[0].url) == (3.0, "1", "http://h/api/collections/posts/records")


class Item(TypedDict):
    id: str


async def test_get_first_keeps_the_timeout_of_the_call() -> None:
    pb, seen = client(page(1), timeout=7)
    await pb.collection("a").get_first(timeout=3)
    await pb.collection("a", Item).get_first(timeout=4)
    assert [request.timeout for request in seen] == [3.0, 4.0]


async def test_a_call_has_its_own_timeout_or_the_one_of_the_client() -> None:
    pb, seen = client({}, timeout=7)
    await pb.health.check()
    await pb.health.check(timeout=None)
    await pb.health.check(timeout=0.5)
    await pb.health.check(headers={"X": "1"})
    assert [request.timeout for request in seen] == [7.0, None, 0.5, 7.0]


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(-1, ValueError), (float("inf"), ValueError), (float("nan"), ValueError), (True, TypeError), ("1", TypeError)],
)
def test_an_invalid_timeout_is_refused(timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout must be"):
        PocketBase("http://h", timeout=timeout)


async def test_options_that_are_not_text_are_written_as_text_or_refused() -> None:
    pb, seen = client(page(0))
    await pb.collection("posts").get_list(sort=["-a", "b"], fields=("id", "a"), skip_total=True)
    await pb.collection("posts").get_list(1, 30, {"sort": None}, skip_total=False)
    own = [{name: request.params.get(name) for name in ("sort", "fields", "skipTotal")} for request in seen]
    assert own == [
        {"sort": "-a,b", "fields": "id,a", "skipTotal": "true"},
        {"sort": None, "fields": None, "skipTotal": "false"},
    ]
    wrongs: list[tuple[str, Any, str]] = [
        ("filter", ["a"], "option 'filter' must be text"),
        ("expand", 3, "option 'expand' must be text or a list of texts, not 3"),
        ("expand", [object()], "parameter 'expand' is of type object, which a query"),
    ]
    for name, wrong, words in wrongs:
        with pytest.raises(TypeError, match=words):
            await pb.collection("posts").get_list(1, 1, {name: wrong})


def test_options_of_a_file_become_the_query_of_its_url() -> None:
    pb, url = PocketBase("http://h"), "http://h/api/files/posts/x/a.txt"
    assert pb.files.get_url("posts", "x", "a.txt", download=False) == url
    full = pb.files.get_url("posts", "x", "a.txt", thumb="9x9", token="a&b", download=True)
    assert full == f"{url}?thumb=9x9&token=a%26b&download=true"


no_base_urls = ["127.0.0.1:8090", "", "/api", "ftp://h", "http://", "http://h?a=b", "http://h#f", "http://u:p@h"]
no_base_urls += ["http://ü", "http://h/\n", "http://h/../x", "http://h:x"]


@pytest.mark.parametrize("url", no_base_urls)
def test_an_invalid_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|segment|Port|port"):
        PocketBase(url)


def test_a_base_url_loses_its_trailing_slash_and_keeps_its_path() -> None:
    assert PocketBase("http://h:1/").base_url == "http://h:1"
    assert PocketBase("https://h/pb/").build_url("api/x") == "https://h/pb/api/x"
    assert PocketBase("http://[::1]:8090").build_url("//evil.example") == "http://[::1]:8090//evil.example"
    wrong: Any = None
    with pytest.raises(TypeError):
        PocketBase(wrong)


@pytest.mark.parametrize("transport", ["aiohttp", AiohttpTransport, object()])
def test_an_object_that_is_no_transport_is_refused(transport: Any) -> None:
    with pytest.raises(TypeError, match="a transport needs send, stream, events and aclose"):
        PocketBase("http://h", transport=transport)


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError)])
def test_an_invalid_limit_of_the_response_size_is_refused(size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_response_bytes"):
        PocketBase("http://h", max_response_bytes=size)


@pytest.mark.parametrize("size", [1, None])
async def test_the_limit_of_the_response_size_is_part_of_the_request(size: int | None) -> None:
    pb, seen = client({}, max_response_bytes=size)
    await pb.health.check()
    assert seen[0].client_options.max_response_bytes == size


async def test_a_full_list_goes_by_the_page_size_that_the_server_reports() -> None:
    pb, seen = client(page(1000), page(1000) | {"page": 2}, page(3) | {"page": 3})
    assert len(await pb.collection("a").get_full_list(batch=2000)) == 2003
    assert [request.params["page"] for request in seen] == ["1", "2", "3", "4"]  # the last page is requested in advance
    assert seen[0].params["skipTotal"] == "true", "the total costs the server a count"
    pb, seen = client(page(2, 2), page(0, 2))
    assert [record["id"] async for record in pb.collection("a").iterate(2, {"sort": "id"})] == ["0", "1"]
    assert [request.params["sort"] for request in seen] == ["id", "id"]


async def test_get_first_without_a_hit_is_a_404_that_can_be_pickled() -> None:
    pb, _ = client(page(0))
    with pytest.raises(PocketBaseNotFoundError) as caught:
        await pb.collection("a").get_first({"filter": "x"})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.status, error.url, error.data["status"], error.data["data"]) == (404, caught.value.url, 404, {})
    assert str(error) == str(caught.value)


def test_errors_can_be_pickled_and_say_what_is_wrong() -> None:
    body = {"message": "Failed.", "data": {"email": {"code": "c", "message": "No."}}}
    error = error_from_response(Response(400, json=body, url="http://h/x?token=secret"))
    assert str(error) == "400 Failed. (email: No.) [http://h/x]"
    assert error.field_errors["email"]["code"] == "c"
    limited = error_from_response(Response(429, {"Retry-After": "3"}))
    assert isinstance(limited, PocketBaseRateLimitError)
    assert pickle.loads(pickle.dumps(limited)).retry_after == 3.0
    lost = PocketBaseTimeoutError("http://h", message="slow", request_sent=True)
    again = pickle.loads(pickle.dumps(lost))
    assert (again.request_sent, str(again), again.status) == (True, "slow [http://h]", 0)
    mfa = error_from_response(Response(401, json={"mfaId": "m"}))
    assert isinstance(mfa, PocketBaseUnauthorizedError)
    assert mfa.mfa_id == "m"
    assert error_from_response(Response(418)).message == "I'm a Teapot"
    assert type(error_from_response(Response(409))) is PocketBaseError


async def test_the_hooks_of_a_subclass_change_requests_and_see_responses() -> None:
    seen: list[Any] = []

    class MyPocketBase(PocketBase):
        async def before_send(self, request: Any) -> Any:
            request.headers["Custom-Header"] = "value"
            return request

        async def after_send(self, response: Response) -> Response:
            seen.append(response.status_code)
            return response

        def headers(self) -> dict[str, str]:
            headers = super().headers()
            headers["Other-Header"] = "value"
            return headers

    def handler(request: Request) -> Response:
        seen.append((request.headers["custom-header"], request.headers["other-header"]))
        return Response(200, json={})

    await MyPocketBase("http://h", transport=MockTransport(handler)).health.check()
    assert seen == [("value", "value"), 200]


async def test_hooks_may_return_a_message_or_none() -> None:
    def frozen(draft: Any) -> Request:
        request: Request = draft.with_header("X", "1").replace(params={"a": "b"})
        return request

    def nothing(draft: Any) -> None:
        draft.headers["Y"] = "lost"

    async def status(response: Response) -> Response | None:
        return response.replace(content=b"[]") if response.status_code == 200 else None

    pb, seen = client({}, middleware=[BeforeSend(frozen), BeforeSend(nothing), AfterSend(status)])
    assert await pb.send("/x") == []
    assert seen[0].headers["X"] == "1"
    assert "Y" not in seen[0].headers, "an edit without a return is no change"
    text: Any = repr
    for wrong in (BeforeSend(text), AfterSend(text)):
        pb, _ = client({}, middleware=[wrong])
        with pytest.raises(TypeError, match="not str"):
            await pb.send("/x")


async def test_middleware_runs_from_the_outside_in() -> None:
    order: list[str] = []

    class Hooked(PocketBase):
        async def before_send(self, request: Any) -> None:
            order.append(f"hook {request.headers['Authorization']}")

        async def after_send(self, response: Response) -> None:
            order.append("hook")

    def layer(name: str) -> Any:
        async def note(request: Request, call_next: Handler) -> Response:
            order.append(name)
            response = await call_next(request)
            order.append(name)
            return response

        return note

    pb = Hooked(
        "http://h", transport=MockTransport(lambda request: Response(200, json={})), middleware=[layer("a"), layer("b")]
    )
    pb.auth_store.save("t")
    await pb.health.check()
    assert order == ["hook t", "a", "b", "b", "a", "hook"]


async def test_an_update_or_delete_of_the_signed_in_record_changes_the_store() -> None:
    record = {"id": "u1", "collectionId": "c1", "collectionName": "users", "name": "a", "expand": {"x": 1}}
    pb, _ = client({"id": "u1", "name": "b", "expand": {"y": 2}})
    pb.auth_store.save("t", record)
    await pb.collection("posts").update("u1", {"name": "b"})
    assert (pb.auth_store.record or {})["name"] == "a", "a record of another collection has the same id"
    await pb.collection("users").update("u1", {"name": "b"})
    assert pb.auth_store.record == {**record, "name": "b", "expand": {"x": 1, "y": 2}}
    assert pb.auth_store.token == "t", "an update keeps the session"
    pb, _ = client(Response(204))
    pb.auth_store.save("t", record)
    await pb.collection("users").delete("u2")
    assert pb.auth_store.token == "t", "another record was deleted"
    await pb.collection("c1").delete("u1")
    assert (pb.auth_store.token, pb.auth_store.record) == ("", None)


async def test_a_new_password_is_confirmed_unless_the_caller_has_done_it() -> None:
    pb, seen = client({})
    await pb.collection("users").create({"password": "p"})
    await pb.collection("users").create({"password": "p", "passwordConfirm": "q"})
    assert [request.body["passwordConfirm"] for request in seen if request.method == "POST"] == ["p", "q"]


async def test_a_collection_is_the_same_object_each_time() -> None:
    pb, _ = client({})
    assert pb.collection("a") is pb.collection("a"), "a second service was made"
    assert pb.admins is pb.collection("_superusers")
    await pb.aclose()
    await pb.aclose()


async def test_a_sign_in_response_without_a_token_is_an_error() -> None:
    pb, _ = client({"message": "hello"})
    with pytest.raises(PocketBaseDecodeError, match="a token and a record"):
        await pb.collection("users").auth.with_password("a", "b")


def test_importing_the_core_imports_no_http_library_and_no_slow_module() -> None:
    unwanted = {"aiohttp", "httpx", "httpx2", "pyreqwest", "email", "http.cookies", "tempfile", "importlib.metadata"}
    unwanted |= {"mimetypes", "secrets", "webbrowser"}
    features = "auth.async_store", "live", "models.validators", "realtime.service", "services.batch", "services.files"
    unwanted |= {f"pocketbase_core.{feature}" for feature in features}
    script = f"import sys; from pocketbase_core import PocketBase; print([*{unwanted} & sys.modules.keys()])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_entry_points_the_error_says_that_a_transport_can_be_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr("importlib.metadata.entry_points", none)
    with pytest.raises(RuntimeError, match="pocketbase-core is not installed; pass one: transport="):
        find_transport()


def test_without_any_library_the_error_names_the_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("aiohttp", "httpx", "httpx2", "pyreqwest"):
        monkeypatch.setitem(sys.modules, name, None)
        for module in [module for module in sys.modules if module.startswith(f"pocketbase_transports.{name}")]:
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(RuntimeError, match=r"pip install 'pocketbase-core\[aiohttp\]'.* \(aiohttp: .*; httpx: .*"):
        find_transport()


@pytest.mark.parametrize(
    ("transport_name", "libraries", "extra"),
    [
        ("AiohttpTransport", ["aiohttp"], "aiohttp"),
        ("HttpxTransport", ["httpx", "httpx2", "anyio"], "httpx2"),
        ("PyreqwestTransport", ["pyreqwest"], "pyreqwest"),
    ],
)
def test_the_import_of_a_transport_whose_library_is_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, transport_name: str, libraries: list[str], extra: str
) -> None:
    for name in libraries:
        monkeypatch.setitem(sys.modules, name, None)
        for module in [module for module in sys.modules if module.startswith(f"pocketbase_transports.{name}")]:
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'pocketbase-core\[{extra}\]'"):
        getattr(pocketbase_transports, transport_name)


def test_a_transport_on_httpx_names_the_extra_if_neither_library_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httpx", "httpx2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pocketbase-core\[httpx2\]'"):
        HttpxTransport()


def test_every_public_name_exists() -> None:
    for name in pocketbase_core.__all__:
        assert hasattr(pocketbase_core, name)
        assert name in dir(pocketbase_core)
    assert not hasattr(pocketbase_core, "no_such_name")


async def test_a_route_that_the_server_does_not_know_names_the_version_it_came_with() -> None:
    missing = Response(404, json={"message": "The requested resource wasn't found.", "data": {}})
    with pytest.raises(PocketBaseNotFoundError, match=r"which came with PocketBase 0\.24"):
        await client(missing)[0].crons.get_full_list()
    other = Response(404, json={"message": "Missing cron job.", "data": {}})
    with pytest.raises(PocketBaseNotFoundError, match=r"Missing cron job\."):
        await client(other)[0].crons.run("x")


async def test_a_hook_may_call_the_one_it_overrides() -> None:
    class Hooked(PocketBase):
        async def before_send(self, request: Any) -> Any:
            request.headers["X"] = "1"
            return await super().before_send(request)

        async def after_send(self, response: Response) -> Response | None:
            return await super().after_send(response.replace(status_code=201))

    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={})

    await Hooked("http://h", transport=MockTransport(handler)).health.check()
    assert seen[0].headers["X"] == "1"


async def test_numbers_dates_and_lists_may_be_parameters() -> None:
    pb, seen = client({})
    await pb.send("/a", params={"n": 1.5, "on": date(2024, 1, 2), "no": None, "list": [1, "b"], "more": (2,)})
    assert dict(seen[0].params) == {"n": "1.5", "on": "2024-01-02 00:00:00.000Z", "list": ("1", "b"), "more": ("2",)}
    with pytest.raises(TypeError, match="parameter 'list' is of type object, which a query cannot contain"):
        await pb.send("/a", params={"list": [object()]})


async def test_headers_of_a_sub_request_are_sent_in_the_batch() -> None:
    pb, seen = client([{"status": 200, "body": {}}])
    batch = pb.create_batch()
    batch.collection("a").create({}, headers={"X": "1"})
    await batch.send()
    assert seen[0].body["requests"][0]["headers"] == {"X": "1"}


def test_submodules_can_be_used_without_an_import_of_their_own() -> None:
    script = "import pocketbase_core; print(pocketbase_core.middleware.Retry.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Retry"
    assert pocketbase_core.__getattr__("errors").PocketBaseError is PocketBaseError


@pytest.mark.parametrize("link", [{}, {"id": ""}, {"id": ".."}, {"id": 3}, {"id": "\ud800"}])
async def test_a_linked_account_without_an_id_is_an_error_and_nothing_is_deleted(link: dict[str, Any]) -> None:
    content = json.dumps({"items": [{"provider": "oidc", **link}], "perPage": 1})
    pb, seen = client(Response(200, content=content.encode()))
    with pytest.raises(PocketBaseDecodeError, match="a record with an id"):
        await pb.collection("users").auth.unlink_external_auth("u1", "oidc")
    assert [request.method for request in seen] == ["GET"], "a delete was sent"


@pytest.mark.parametrize("items", [[3], [{"id": "x"}, None], [[]]])
async def test_a_page_with_items_that_are_no_records_is_an_error(items: list[Any]) -> None:
    posts = client({"items": items, "perPage": 1})[0].collection("a")
    for call in (posts.get_list(), posts.get_full_list(), posts.get_first(), anext(posts.iterate())):
        with pytest.raises(PocketBaseDecodeError, match="a page of a list"):
            await call


@pytest.mark.parametrize("expand", [None, 3, []])
async def test_the_expand_of_an_update_is_stored_whatever_the_old_one_was(expand: Any) -> None:
    pb, _ = client({"id": "me", "expand": {"a": {"id": "x"}}})
    pb.auth_store.save("token", {"id": "me", "collectionName": "users", "expand": expand})
    await pb.collection("users").update("me", {})
    assert (pb.auth_store.record or {})["expand"] == {"a": {"id": "x"}}


async def test_a_middleware_may_respond_in_place_of_a_stream() -> None:
    async def respond(request: Request, call_next: Handler) -> Response:
        return Response(status, content=b"kept")

    status = 200
    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(500)), middleware=[respond])
    async with pb.files.stream("c", "r", "f") as streamed:
        assert (streamed.status_code, [chunk async for chunk in streamed.aiter_bytes()]) == (200, [b"kept"])
    with pytest.raises(PocketBaseDecodeError, match="an event stream"):
        await pb.realtime.subscribe("a", print)
    status = 503
    for opened in (pb.files.stream("c", "r", "f"), pb.pipeline.events(realtime.connect())):
        with pytest.raises(PocketBaseServerError):
            async with opened:
                pass


async def test_a_middleware_may_replace_a_stream_that_failed() -> None:
    async def instead(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        return Response(200, content=b"kept") if response.status_code == 500 else response

    pb = PocketBase("http://h", transport=MockTransport(lambda _: Response(500, (), b"no")), middleware=[instead])
    async with pb.files.stream("c", "r", "f") as streamed:
        assert [chunk async for chunk in streamed.aiter_bytes()] == [b"kept"]


async def test_the_old_name_of_the_redirect_url_is_translated() -> None:
    pb, seen = client({"token": "t", "record": {}})
    await pb.collection("users").auth.with_OAuth2({"provider": "x", "code": "y", "redirectUrl": "z"})
    assert seen[0].body == {"provider": "x", "code": "y", "redirectURL": "z"}


async def test_a_query_in_any_language_is_encoded() -> None:
    pb, seen = client()
    await pb.send("/api/x?q=\u4f60\u3000\U0001f469\u200d\U0001f680")
    assert seen[0].url == "http://h/api/x?q=%E4%BD%A0%E3%80%80%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80"


async def test_linked_accounts_are_listed_and_unlinked_by_their_record() -> None:
    pb, seen = client({"perPage": 1000, "items": [{"id": "a"}]})
    auth = pb.collection("users").auth
    assert await auth.list_external_auths("r") == [{"id": "a"}]
    assert seen[0].params["filter"] == 'recordRef = "r"'
    await auth.unlink_external_auth("r", "github")
    assert seen[1].params["filter"] == 'recordRef = "r" && provider = "github"'


async def test_an_error_of_the_library_shows_no_query() -> None:
    class Failed(Exception):
        pass

    with pytest.raises(PocketBaseConnectionError) as caught:
        async with Exchange(Request("GET", "http://h"), {Failed: ErrorMapping(PocketBaseConnectionError)}):
            raise Failed("cannot read http://h/a?token=secret now")
    assert "secret" not in str(caught.value)
    assert "cannot read http://h/a" in str(caught.value)
