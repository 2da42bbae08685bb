"""Each row of the table of bad input in docs/security.md holds."""

import asyncio
import functools
import inspect
import io
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyreqwest.client import ClientBuilder, SyncClientBuilder

import pocketbase_core
from pocketbase_core import PocketBase, PocketBaseInputError, Request, Response
from pocketbase_core.errors import PocketBaseInputTypeError
from pocketbase_core.middleware import AfterSend, BeforeSend, Retry
from pocketbase_core.transport.body_encoding import encode_body
from pocketbase_transports import AiohttpTransport, HttpxTransport, MockTransport, PyreqwestTransport

TEXT = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+)` \| `(\w+Error)` \| (.+) \|$", TEXT, re.MULTILINE)
NAMES: dict[str, Any] = {
    **{name: getattr(pocketbase_core, name) for name in pocketbase_core.__all__},
    "AfterSend": AfterSend,
    "AiohttpTransport": AiohttpTransport,
    "BeforeSend": BeforeSend,
    "HttpxTransport": HttpxTransport,
    "MockTransport": MockTransport,
    "PyreqwestTransport": PyreqwestTransport,
    "Retry": Retry,
    "Decimal": Decimal,
    "asyncio": asyncio,
    "datetime": datetime,
    "functools": functools,
    "httpx": httpx,
    "io": io,
    "timedelta": timedelta,
    "timezone": timezone,
    "ClientBuilder": ClientBuilder,
    "SyncClientBuilder": SyncClientBuilder,
}


async def unreachable(request: Request) -> Response:
    await encode_body(request.body, request.files)  # every adapter does this first
    raise AssertionError(f"{request} was sent")


@pytest.mark.parametrize(("code", "error", "words"), ROWS)
async def test_bad_input_is_refused_before_anything_is_sent(code: str, error: str, words: str) -> None:
    pb = PocketBase("http://h", transport=MockTransport(unreachable))
    with pytest.raises((ValueError, TypeError), match=re.escape(words)) as caught:
        result = eval(code, NAMES | {"pb": pb})
        if inspect.isawaitable(result):
            await result
    assert caught.type.__name__ == error


def test_an_input_error_is_a_value_error_and_one_of_a_wrong_type_is_a_type_error_too() -> None:
    assert issubclass(PocketBaseInputError, ValueError)
    assert issubclass(PocketBaseInputTypeError, PocketBaseInputError)
    assert issubclass(PocketBaseInputTypeError, TypeError)


def test_the_table_of_the_document_is_read_whole() -> None:
    assert len(ROWS) > 70, "rows of the table were not found"
