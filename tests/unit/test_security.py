"""Malicious text, in every place where a caller may pass text, is refused or arrives unchanged."""

import base64
import json
import pickle
import posixpath
import re
import subprocess
import sys
from collections.abc import Callable
from email.parser import BytesParser
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pocketbase_core import (
    AuthStore,
    FileAuthStore,
    FileUpload,
    PocketBase,
    PocketBaseError,
    PocketBaseInputError,
    Request,
    Response,
)
from pocketbase_core.auth.token import is_refreshable, is_sendable_token
from pocketbase_core.errors import error_from_response
from pocketbase_core.messages import Headers
from pocketbase_core.transport.body_encoding import encode_body
from pocketbase_transports import MockTransport

from ..helpers.tokens import token

PIECES = st.sampled_from([*"./\\%?#&;=:@\r\n\t \0\"'aü", "..", "//", "%2e", "%2F", "%5c", "\r\n"])
TEXT = st.lists(PIECES | st.characters(codec="utf-8"), max_size=12).map("".join)
ANY_TEXT = st.lists(PIECES | st.characters() | st.just("\ud800"), max_size=12).map("".join)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400)])
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
MOMENTS = st.lists(
    st.sampled_from(["Mon, ", "01 ", "Jan ", "2024 ", "00:00:00 ", "+", "-", "GMT", "9" * 20]) | TEXT
).map("".join)
ORIGIN = "http://base.example:8090"


async def sent(use: Callable[[PocketBase], Any]) -> Request | None:
    """Return the request that is sent, or None if the input is refused."""
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(200, json={})

    try:
        await use(PocketBase(ORIGIN, transport=MockTransport(handler)))
    except (ValueError, TypeError):
        assert not seen, "a refused input was sent"
        return None
    return seen[0]


@given(ANY_TEXT, ANY_TEXT)
@example("..", "x")
@example("%2e%2e", "../../users")
async def test_names_and_ids_are_one_segment_each(collection: str, record_id: str) -> None:
    request = await sent(lambda pb: pb.collection(collection).delete(record_id))
    if request is not None:
        parts = urlsplit(request.full_url)
        assert f"{parts.scheme}://{parts.netloc}" == ORIGIN
        segments = parts.path.split("/")
        assert segments[:3] + segments[4:5] == ["", "api", "collections", "records"], "the text changed the route"
        assert [unquote(segments[3]), unquote(segments[5])] == [collection, record_id]
        assert len(segments) == 6, "the text became several segments"
        assert not {".", ".."} & {*segments}, "a segment leads upwards"
        assert parts.path.isascii()
        assert parts.path.isprintable()


@given(ANY_TEXT, st.sampled_from(["", "/", "//", "@", "http://evil.example", "//evil.example/", "\\\\evil", ":80/"]))
async def test_custom_paths_stay_at_the_server(text: str, start: str) -> None:
    request = await sent(lambda pb: pb.send(start + text))
    if request is not None:
        assert request.full_url.startswith(f"{ORIGIN}/")
        parts = urlsplit(request.full_url)
        assert f"{parts.scheme}://{parts.netloc}" == ORIGIN
        assert ".." not in re.split(r"[/\\]", unquote(parts.path)), "a segment leads upwards"
        assert parts.path.isascii()
        assert parts.path.isprintable()
        resolved = posixpath.normpath(parts.path)
        assert resolved.strip("/") == re.sub("/+", "/", parts.path).strip("/") or parts.path.strip("/") == "", (
            "the path leads upwards"
        )


async def test_an_absolute_url_is_refused() -> None:
    for url in ("https://evil.example/x", "http://base.example:8090/api/health", "ftp://x"):
        with pytest.raises(ValueError, match="a path is required"):
            await PocketBase(ORIGIN, transport=MockTransport(lambda _: Response(200))).send(url)


@given(ANY_TEXT, ANY_TEXT)
async def test_headers_are_one_line_each(name: str, value: str) -> None:
    request = await sent(lambda pb: pb.send("/x", headers={name: value}))
    if request is not None:
        assert re.fullmatch(r"[^\s:()<>@,;\\\"/\[\]?={}\x7f-\uffff]+", name)
        assert not re.search(r"[\r\n\0]", value)
        assert request.headers[name] == value


@given(ANY_TEXT, ANY_TEXT)
@example("\ud800", "x")
async def test_query_values_stay_values(key: str, value: str) -> None:
    request = await sent(lambda pb: pb.send("/x", params={key: value, "last": "1"} if key != "last" else {}))
    if request is not None and key != "last":
        assert parse_qsl(urlsplit(request.full_url).query, keep_blank_values=True) == [(key, value), ("last", "1")]


@given(TEXT, TEXT, TEXT)
@example('a"; name="b', "x\r\n\r\n--", "t")
async def test_file_names_stay_in_their_header(field: str, filename: str, content: str) -> None:
    request = await sent(lambda pb: pb.collection("a").create({field: FileUpload((filename, content))}))
    if request is None:
        return
    body = await encode_body(request.body, request.files)
    raw = b"".join([chunk async for chunk in body.chunks])
    message = BytesParser().parsebytes(f"Content-Type: {body.content_type}\r\n\r\n".encode() + raw)
    _, payload, file = message.walk()
    assert payload.get_content_type() == "application/json"
    assert file.keys() == ["Content-Disposition", "Content-Type"], "the name became a header"
    quoted = rb'"(?:[^\x00-\x1f\x7f"\\]|\\\\)*"'
    disposition = raw.split(b"Content-Disposition: ")[2].partition(b"\r\n")[0]
    assert re.fullmatch(b"form-data; name=%s; filename=%s" % (quoted, quoted), disposition)


RECORDS = st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3)


@given(RECORDS, TEXT)
def test_cookies_come_back_and_hold_one_value(record: dict[str, Any], other: str) -> None:
    store, again = AuthStore(), AuthStore()
    store.save(token(100), record)
    header = store.export_to_cookie()
    assert header.isascii()
    assert header.isprintable()
    assert len(header.split(";")) == 6, "the record became an attribute"
    again.load_from_cookie(f"x={re.sub('[;=]', '', other)}; {header.split(';')[0]}")
    assert (again.token, again.record) == (store.token, record)


@pytest.mark.parametrize("key", ["a; b", "a=b", "a\r\nSet-Cookie: b", "", "ü", "a b"])
def test_an_invalid_cookie_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        AuthStore().export_to_cookie(key)


ANY_RECORD = st.none() | st.dictionaries(st.sampled_from(["id", "email", "verified"]) | ANY_TEXT, ANY_JSON, max_size=3)
ANY_STORED = st.fixed_dictionaries({"token": ANY_TEXT | ANY_JSON, "record": ANY_RECORD | ANY_JSON}) | ANY_JSON


@given(ANY_TEXT | ANY_STORED.map(json.dumps) | ANY_STORED.map(json.dumps).map(quote))
@example('{"token": "t", "record": {"id": "\\ud800"}}')
def test_any_cookie_can_be_loaded_without_an_error(header: str) -> None:
    store = AuthStore()
    for text in (header, f"pb_auth={header}"):
        store.load_from_cookie(text)
        assert isinstance(store.is_superuser, bool)
        assert store.export_to_cookie().isascii()


@given(ANY_TEXT)
@example(" x")
@example("Bearer x")
async def test_a_token_of_any_text_is_sent_as_it_is_or_refused_as_input(text: str) -> None:
    async def use(pb: PocketBase) -> None:
        pb.auth_store.save(text)
        try:
            await pb.health.check()
        except Exception as error:
            assert isinstance(error, PocketBaseInputError)
            raise

    request = await sent(use)
    if request is not None:
        assert request.headers.get("Authorization", "") == text
        assert text.strip() == text, "HTTP libraries refuse spaces around a value, after they have connected"


@given(ANY_TEXT, ANY_TEXT, st.sampled_from(["Lax", "Strict", "", None]) | ANY_TEXT)
@example("/", "a\0", "Lax")
@example("/", "", "Lax; Domain=evil.example")
def test_attributes_of_cookies_stay_attributes(path: str, domain: str, same_site: Any) -> None:
    try:
        header = AuthStore().export_to_cookie(path=path, domain=domain, same_site=same_site)
    except ValueError:
        return
    assert header.isascii()
    assert header.isprintable()
    texts = [("Path", path), ("Domain", domain), ("SameSite", same_site)]
    attributes = [f"{name}={value}" for name, value in texts if value]
    assert header.split("; ", 2)[2] == "; ".join([*attributes, "HttpOnly", "Secure"])
    assert header.count(";") == len(attributes) + 3, "a text became an attribute"


@pytest.mark.parametrize("expires", ["1e300", "Infinity", "-1e300", "NaN", "-1", "99999999999999", "1" + "0" * 400])
def test_a_forged_token_may_have_any_expiry(expires: str) -> None:
    payload = base64.urlsafe_b64encode(f'{{"exp": {expires}}}'.encode()).decode()
    store = AuthStore()
    store.save(f"a.{payload}.b")
    assert store.is_valid in (True, False)
    assert "Expires=" in store.export_to_cookie()


CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "exp": NUMBERS | ANY_JSON,
        "type": st.just("auth") | ANY_JSON,
        "collectionId": st.just("c1") | ANY_JSON,
        "refreshable": ANY_JSON,
    },
)


@given(CLAIMS.map(json.dumps).map(str.encode) | st.binary(max_size=20), ANY_TEXT)
@example(b'{"exp": -1%s}' % (b"0" * 400), "")
def test_any_token_can_be_read_without_an_error(payload: bytes, other: str) -> None:
    store = AuthStore()
    for text in (f"a.{base64.urlsafe_b64encode(payload).decode()}.b", f"a.{other}.b", other):
        store.save(text)
        assert isinstance(store.is_valid, bool)
        assert isinstance(store.is_superuser, bool)
        assert isinstance(is_refreshable(text), bool)
        if is_sendable_token(text):
            assert "Expires=" in store.export_to_cookie()


@given(
    st.integers(100, 999),
    ANY_TEXT,
    ANY_TEXT | MOMENTS,
    st.binary(max_size=9) | ANY_JSON.map(json.dumps).map(str.encode),
)
@example(429, "", "Mon, 01 Jan 2024 00:00:00 +999999999999999999999", b"")
@example(400, "", "", b'{"data": {"a": {"message": "\\ud800"}}}')
def test_any_response_makes_a_readable_error(status: int, location: str, moment: str, content: bytes) -> None:
    error = error_from_response(Response(status, {"Location": location, "Retry-After": moment}, content))
    assert isinstance(error, PocketBaseError)
    assert isinstance(str(error), str)
    assert isinstance(error.field_errors, dict)
    after = getattr(error, "retry_after", None)
    assert after is None or 0 <= after < inf, "nobody can wait for so long"


def test_errors_carry_no_secret_anywhere() -> None:
    request = Request(
        "PUT", "http://h/p?token=tok-1", {"t": "tok-2"}, Headers({"Authorization": "tok-3"}), {"p": "tok-4"}
    )
    response = Response(403, {"Set-Cookie": "tok-5"}, b'{"message": "No."}', request.url)
    error = error_from_response(response)
    for shown in (str(error), repr(error), repr(pickle.dumps(error)), repr(error.args), repr(request), repr(response)):
        assert "tok-" not in shown, "a secret is shown"
    assert isinstance(pickle.loads(pickle.dumps(error)), PocketBaseError)
    store = AuthStore()
    store.save("tok-6")
    client = PocketBase("http://h", auth_store=store)
    for each in (store, client, client.collection("a"), client.realtime, client.create_batch()):
        assert "tok-" not in repr(each), "a secret is shown"


WRITER = """
import sys
from pocketbase_core import FileAuthStore
store = FileAuthStore(sys.argv[1])
for turn in range(200):
    store.save(f"t{sys.argv[2]}-{turn}", {"id": "x" * 5000})
"""


def test_two_processes_that_write_one_file_leave_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)]) for number in range(2)]
    read = 0
    while any(writer.poll() is None for writer in writers) or not read:
        if path.exists():
            store = FileAuthStore(path)
            assert store.token.startswith("t")
            assert store.record == {"id": "x" * 5000}
            assert path.stat().st_mode & 0o777 == 0o600, "others may read the file"
            read += 1
    assert [writer.wait() for writer in writers] == [0, 0]
    assert [each.name for each in tmp_path.iterdir()] == ["auth.json"], "a draft was left"


def test_a_file_store_whose_path_is_a_link_leaves_the_target_alone(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "auth.json"
    victim.write_text("mine")
    path.symlink_to(victim)
    store = FileAuthStore(path)
    assert store.token == ""
    store.clear()
    assert victim.read_text() == "mine", "the target of the link changed"
