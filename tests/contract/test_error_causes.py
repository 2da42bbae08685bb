"""Causes of errors contain no secret of the request or the response."""

import errno
import logging
import pickle
import traceback
from collections.abc import Generator
from typing import Any

import pytest

from pocketbase_core import FileUpload, PocketBase, PocketBaseConnectionError, PocketBaseTransportError, Request
from pocketbase_core.ports import Transport
from pocketbase_core.testing.contract.scripted_server import (
    Connection,
    Script,
    ignoring,
    resetting,
    scripted_server,
    sending,
    unused_port,
)
from pocketbase_core.transport.causes import LibraryError, describe, public_cause

WORD = "".join(["SEC", "RET"])
"""Not spelled out, because tracebacks quote the source lines that were run."""
HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=SECRET\r\n"
FAILURES: dict[str, Script | None] = {
    "refused": None,
    "reset": resetting,
    "silent": ignoring,
    "hung up": sending(b""),
    "hung up in the head": sending(HEAD),
    "no HTTP": sending(b"SSH-2.0-Authorization: SECRET\r\n\r\n"),
    "a wrong header": sending(HEAD + b"Authorization SECRET\r\n\r\n"),
    "a wrong length": sending(HEAD + b"Content-Length: x\r\nCookie: SECRET\r\n\r\n"),
    "a body that breaks off": sending(HEAD + b"Content-Length: 100\r\n\r\nabc"),
    "a wrong chunk": sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\nSECRET\r\n"),
}


def everything(error: BaseException | None) -> Generator[BaseException, None, None]:
    """Yield an error and all errors that it refers to."""
    if error is not None:
        yield error
        yield from everything(error.__cause__)
        yield from everything(error.__context__)


def check(error: PocketBaseTransportError) -> None:
    for each in everything(error):
        for text in (str(each), repr(each), repr(each.args), repr(vars(each)), repr(pickle.dumps(each))):
            assert "SECRET" not in text, "a part of the error shows the secret"
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "x", None, (type(error), error, error.__traceback__))
    assert "SECRET" not in logging.Formatter().format(record), "the log shows the secret"
    assert "SECRET" not in "".join(traceback.format_exception(error)), "the traceback shows the secret"


async def fail(transport: Transport, url: str, call: str) -> PocketBaseTransportError:
    pb = PocketBase(url, transport=transport, middleware=[], timeout=0.3)
    pb.auth_store.save(WORD)
    secret: dict[str, Any] = {"params": {"token": WORD}, "headers": {"Cookie": f"a={WORD}"}}
    with pytest.raises(PocketBaseTransportError) as caught:
        if call == "send":
            await pb.send("/x", method="POST", body={"password": WORD}, **secret)
        elif call == "upload":
            await pb.collection("a").create({"password": WORD, "f": FileUpload(("a", WORD.encode()))}, **secret)
        elif call == "stream":
            async with pb.files.stream("a", "b", "c", token=WORD) as streamed:
                assert [chunk async for chunk in streamed.aiter_bytes()]
        else:
            request = Request("GET", f"{url}/x", {"token": WORD}, {"Authorization": WORD}, timeout=0.3)
            async with transport.events(request) as events:
                assert [event async for event in events]
    return caught.value


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        *(("send", failure) for failure in FAILURES),
        *((call, failure) for call in ("upload", "stream") for failure in ("reset", "no HTTP", "a wrong chunk")),
    ],
)
async def test_no_cause_of_an_error_contains_a_secret(transport: Transport, call: str, failure: str) -> None:
    script = FAILURES[failure]
    if script is None:
        check(await fail(transport, f"http://127.0.0.1:{unused_port()}", call))
        return
    async with scripted_server(script) as server:
        check(await fail(transport, server.url, call))


@pytest.mark.parametrize("failure", ["reset", "no HTTP", "a wrong chunk"])
async def test_no_cause_of_an_event_streams_error_contains_a_secret(transport: Transport, failure: str) -> None:
    async def script(connection: Connection) -> None:
        if failure == "a wrong chunk":
            await connection.request()
            await connection.start_stream()
            await connection.send(b"SECRET\r\n")
        else:
            script = FAILURES[failure]
            assert script is not None
            await script(connection)

    async with scripted_server(script) as server:
        check(await fail(transport, server.url, "events"))


async def test_a_cause_keeps_its_type_its_message_and_the_system_error(transport: Transport) -> None:
    with pytest.raises(PocketBaseTransportError) as caught:
        await transport.send(Request("GET", f"http://127.0.0.1:{unused_port()}/?token=x", timeout=5))
    cause = caught.value.__cause__
    assert isinstance(cause, LibraryError)
    assert "ConnectError" in str(cause) or "ClientConnectorError" in str(cause)
    assert any(isinstance(each, ConnectionRefusedError) for each in everything(cause))
    assert f"Errno {errno.ECONNREFUSED}" in "".join(traceback.format_exception(caught.value))


def test_a_description_hides_credentials_queries_headers_and_quoted_bytes() -> None:
    assert describe(ValueError("GET http://u:SECRET@h/p?token=SECRET failed")) == "ValueError: GET http://h/p?… failed"
    assert describe(ValueError("Authorization: SECRET, X: y")) == "ValueError: Authorization…"
    assert describe(ValueError("got b'\\'SECRET' there")) == "ValueError: got b'…' there"
    assert describe(ValueError('got b"SECRET')) == "ValueError: got b'…'"
    assert describe(TimeoutError()) == "TimeoutError"


def test_a_system_error_keeps_only_system_errors_as_its_causes() -> None:
    first, second = OSError(1, "a"), ExceptionGroup("several", [ConnectionRefusedError(2, "b"), OSError(3, "c")])
    first.__cause__ = second
    first.__context__ = RuntimeError("SECRET")
    assert public_cause(first, None) is first, "a system error needs no copy"
    assert [str(each) for each in everything(first)] == ["[Errno 1] a", "[Errno 2] b"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", [resetting, None])
async def test_an_error_that_is_being_handled_is_no_cause_of_the_next_one(
    transport: Transport, method: str, end: Script | None
) -> None:
    handled = OSError(errno.EMFILE, "too many open files")
    async with scripted_server(sending(b"", end)) as server:
        with pytest.raises(PocketBaseConnectionError) as caught:
            try:
                raise handled
            except OSError:
                await transport.send(Request(method, server.url, timeout=5))
    assert caught.value.request_sent is None, "it arrived: repeated, it would be done twice"
    assert "open files" not in str(caught.value), "the message is that of the handled error"
    assert handled not in everything(caught.value.__cause__), "the handled error is a cause"
