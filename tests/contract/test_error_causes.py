"""The causes of errors: they say what went wrong, are short, and contain no secret of the request or the response."""

import errno
import logging
import os
import pickle
import re
import socket
import ssl
import subprocess
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
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
from pocketbase_core.transport.causes import LibraryError, describe, public_cause, system_reason

WORD = "".join(["SEC", "RET"])
"""Not spelled out, because tracebacks quote the source lines that were run."""
HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=SECRET\r\n"
MAX_LINES = 40
PROGRAM = """
import asyncio

from pocketbase_core import PocketBase
from pocketbase_transports import {transport}


async def main():
    async with PocketBase("http://127.0.0.1:{port}", transport={transport}()) as pb:
        await pb.collection("posts").get_list()


asyncio.run(main())
"""
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


@pytest.mark.parametrize("call", ["send", "upload", "stream", "events"])
async def test_the_error_of_a_server_that_is_down_names_the_server_and_the_systems_reason(
    transport: Transport, call: str
) -> None:
    server = f"127.0.0.1:{unused_port()}"
    error = await fail(transport, f"http://{server}", call)
    assert error.message == f"cannot connect to {server}: Connection refused"
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert error.__cause__.errno == errno.ECONNREFUSED


async def test_the_error_of_an_unknown_host_names_the_host(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    with pytest.raises(PocketBaseConnectionError) as caught:
        await transport.send(Request("GET", "http://no-such.invalid:8090/", timeout=5))
    assert caught.value.message == "cannot connect to no-such.invalid:8090: Name or service not known"
    assert isinstance(caught.value.__cause__, socket.gaierror)


async def test_the_error_of_a_connection_that_was_reset_has_the_systems_reason(transport: Transport) -> None:
    async with scripted_server(resetting) as server:
        error = await fail(transport, server.url, "send")
    assert error.message.endswith("Connection reset by peer")
    assert isinstance(error.__cause__, ConnectionResetError)


async def test_a_cause_without_a_system_error_keeps_the_type_and_the_text_of_the_librarys(transport: Transport) -> None:
    async with scripted_server(sending(b"")) as server:
        error = await fail(transport, server.url, "send")
    assert isinstance(error.__cause__, LibraryError)
    assert re.search("disconnected|connection closed", str(error.__cause__))
    assert error.message == str(error.__cause__)


@pytest.mark.parametrize("call", ["send", "upload", "stream", "events"])
async def test_a_timeout_says_how_long_there_was_no_response(transport: Transport, call: str) -> None:
    async with scripted_server(ignoring) as server:
        error = await fail(transport, server.url, call)
    assert error.message == "no response within 0.3 s"


@pytest.mark.parametrize("call", ["send", "upload", "stream", "events"])
@pytest.mark.parametrize("failure", ["refused", "reset", "silent", "hung up", "no HTTP", "a body that breaks off"])
async def test_a_traceback_has_no_frames_of_the_http_library(transport: Transport, call: str, failure: str) -> None:
    script = FAILURES[failure]
    if script is None:
        error = await fail(transport, f"http://127.0.0.1:{unused_port()}", call)
    else:
        async with scripted_server(script) as server:
            error = await fail(transport, server.url, call)
    text = "".join(traceback.format_exception(error))
    assert "site-packages" not in text
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("transport_class", ["AiohttpTransport", "HttpxTransport", "PyreqwestTransport"])
def test_a_program_whose_server_is_down_prints_less_than_a_screen(transport_class: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(port=unused_port(), transport=transport_class))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=environment, check=False)
    assert "Connection refused" in done.stderr.splitlines()[-1]
    assert len(done.stderr.splitlines()) <= 40


def test_a_description_hides_credentials_queries_headers_and_quoted_bytes() -> None:
    assert describe(ValueError("GET http://u:SECRET@h/p?token=SECRET failed")) == "ValueError: GET http://h/p?… failed"
    assert describe(ValueError("Authorization: SECRET, X: y")) == "ValueError: Authorization…"
    assert describe(ValueError("got b'\\'SECRET' there")) == "ValueError: got b'…' there"
    assert describe(ValueError('got b"SECRET')) == "ValueError: got b'…'"
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(TimeoutError("no response within 1 s")) == "no response within 1 s"
    assert describe(ConnectionError("<RawResponseMessage(headers=<CIMultiDict()>)>")) == "ConnectionError"


def test_the_cause_is_the_first_system_error_without_what_it_refers_to() -> None:
    first, second = ConnectionRefusedError(errno.ECONNREFUSED, "b"), OSError("all attempts failed")
    first.__context__ = RuntimeError("SECRET")
    second.__cause__ = ExceptionGroup("several", [first, OSError(3, "c")])
    library_error = RuntimeError("SECRET")
    library_error.__cause__ = second
    try:
        raise library_error
    except RuntimeError:
        assert public_cause(library_error, None) is first
    assert [*everything(first)] == [first]
    assert first.__traceback__ is None
    assert system_reason(first) == os.strerror(errno.ECONNREFUSED)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("several attempts failed"), "several attempts failed"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "self-signed certificate"),
        (LibraryError("ReadError"), ""),
    ],
)
def test_the_reason_of_an_error_that_is_not_the_systems_own_is_its_text(error: Exception, reason: str) -> None:
    assert system_reason(error) == reason


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
