"""With JSON of any shape in the response, a call returns a value or raises an error of this library."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbase_core import AuthStore, PocketBase, PocketBaseError, Request, Response
from pocketbase_transports import MockTransport

from ..helpers.routes import ROUTES

RECORD: Any = {"id": "me", "collectionId": "c", "collectionName": "users", "expand": {"a": {"id": "x"}}}
PROVIDER = {"name": "oidc", "state": "s", "codeVerifier": "v", "authURL": "http://oidc/auth?redirect_uri="}
FIELD = {"code": "c", "message": "m"}
ANSWERS: list[Any] = [
    RECORD,
    {"page": 1, "perPage": 1, "totalItems": 2, "totalPages": 2, "items": [RECORD]},
    {"token": "t", "record": RECORD, "meta": {}},
    {"oauth2": {"enabled": True, "providers": [PROVIDER]}, "password": {}, "mfa": {}, "otp": {}},
    [{"status": 200, "body": RECORD}],
    {"status": 400, "message": "m", "data": {"id": FIELD, "requests": {"0": {"response": {"data": {"a": FIELD}}}}}},
    {"mfaId": "m"},
]
LEAVES: list[Any] = [None, True, -1, 0, 1.5, "", "x", "\ud800", [], {}, [3], {"x": None}]


def changed(value: Any, choose: Callable[[int], int], leaf: Any) -> Any:
    """Return the value with one part replaced by a leaf."""
    value_type = value.__class__
    if value_type not in (dict, list) or not value or not choose(4):
        return leaf
    if value_type is list:
        return [*value[1:], changed(value[0], choose, leaf)]
    key = [*value][choose(len(value))]
    return {**value, key: changed(value[key], choose, leaf)}


@st.composite
def shapes(draw: st.DrawFn) -> Any:
    value, leaf = draw(st.sampled_from(ANSWERS)), draw(st.sampled_from(LEAVES))
    return changed(value, lambda count: draw(st.integers(0, count - 1)), leaf)


CALLS: list[tuple[str, Callable[[Any], Any]]] = [
    *ROUTES,
    ("iterate", lambda pb: each(pb.collection("a").iterate())),
    ("iterate, sorted", lambda pb: each(pb.collection("a").iterate(sort="x"))),
    ("full list", lambda pb: pb.collection("a").get_full_list()),
    ("external auths", lambda pb: pb.collection("a").auth.list_external_auths("x")),
    ("unlink", lambda pb: pb.collection("a").auth.unlink_external_auth("x", "y")),
    ("own record", lambda pb: pb.collection("users").update("me", {})),
]


async def each(items: Any) -> list[Any]:
    return [item async for item in items]


STATUSES = st.sampled_from([200, 200, 200, 400, 401, 403, 404, 500])
SHAPES = shapes().map(json.dumps).map(str.encode)


@pytest.mark.parametrize("call", [call for _, call in CALLS], ids=[name for name, _ in CALLS])
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SHAPES, min_size=1, max_size=3), STATUSES)
async def test_any_json_gives_a_value_or_an_error_of_this_library(call: Any, bodies: list[bytes], status: int) -> None:
    await ends_well(call, bodies, status)


@given(st.sampled_from(CALLS), st.lists(SHAPES | st.binary(), min_size=1, max_size=3), STATUSES)
async def test_any_bytes_give_a_value_or_an_error_of_this_library(
    call: tuple[str, Any], bodies: list[bytes], status: int
) -> None:
    await ends_well(call[1], bodies, status)


async def ends_well(call: Any, bodies: list[bytes], status: int) -> None:
    """Check that a call returns a value or raises an error of this library. The responses have these bodies in turn."""
    responses = itertools.cycle(bodies)
    remaining = 20

    def handler(request: Request) -> Response:
        nonlocal remaining
        remaining -= 1
        return Response(status, content=next(responses)) if remaining else Response(500)

    store = AuthStore()
    store.save("token", {"id": "me", "collectionName": "users"})
    pb = PocketBase("http://h", transport=MockTransport(handler), middleware=[], auth_store=store)
    try:
        await call(pb)
    except PocketBaseError:
        pass
    except ValueError as error:
        assert "offers no OAuth2 provider" in str(error)
