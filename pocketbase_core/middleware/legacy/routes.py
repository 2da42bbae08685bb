"""The routes of the current version, each with what PocketBase 0.22 has in its place."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from ...auth.token import SUPERUSERS_ID
from ...calls.legacy_refusal import refuse
from ...endpoints.legacy_schema import current_collection
from ...messages import Request, Response
from ...messages.json_values import as_list, as_object
from ..chain import Handler
from . import auth, collection_requests, external_auths, realtime, records, settings
from .collections import legacy_collection

Prepare = Callable[[Request, str, Handler], Awaitable[Request | Response]]
"""Returns the request to send, or a response, for which it may send requests of its own: see `Route.prepare`."""


class Route(NamedTuple):
    """A route of the current version, and its translation."""

    methods: str
    """The methods, as a regular expression."""
    path: str
    """The path below `/api`, as a regular expression."""
    to: str | None = None
    """The path in PocketBase 0.22, with the groups of `path`; None if the path is the same."""
    request: Callable[[Request], Request] | None = None
    """Translates the request."""
    value: Callable[[Any], Any] | None = None
    """Translates the value of a success."""
    since: str = ""
    """The version that the route came with; "" if PocketBase 0.22 has it."""
    prepare: Prepare | None = None
    """Translates the request with the help of others. The arguments are the request, the URL of the API, a handler."""

    def matches(self, method: str, path: str) -> re.Match[str] | None:
        """Return the match if the route is that of a request."""
        if not re.fullmatch(self.methods, method):
            return None
        return re.fullmatch(self.path, path, re.IGNORECASE if self.path.startswith(_SUPERUSERS) else 0)


async def _superuser_auth_methods(request: Request, api_url: str, call_next: Handler) -> Response:
    return Response(200, url=request.url, json={"usernamePassword": False, "emailPassword": True})


def _new_collection(request: Request) -> Request:
    return request.replace(body=legacy_collection(as_object(request.json()), None))


def _collections(page: Any) -> Any:
    items = map(as_object, as_list(as_object(page).get("items")))
    return {**as_object(page), "items": [*map(current_collection, items)]}


_SUPERUSERS = f"/collections/(?:_superusers|{SUPERUSERS_ID})"
_ANY = "/collections/[^/]+"
_logs_query = partial(records.legacy_query, names=settings.LOG_NAMES)

# The first route that matches is taken.
ROUTES = (
    Route("GET", rf"{_SUPERUSERS}/records", "/admins", records.legacy_query, auth.superusers),
    Route("POST", rf"{_SUPERUSERS}/records", "/admins", auth.admin, auth.superuser),
    Route("PATCH", rf"{_SUPERUSERS}/records/([^/]+)", r"/admins/\1", auth.admin, auth.superuser),
    Route("GET", rf"{_SUPERUSERS}/records/([^/]+)", r"/admins/\1", value=auth.superuser),
    Route("DELETE", rf"{_SUPERUSERS}/records/([^/]+)", r"/admins/\1"),
    Route(
        "POST",
        rf"{_SUPERUSERS}/auth-with-password",
        "/admins/auth-with-password",
        auth.password_sign_in,
        auth.superuser_sign_in,
    ),
    Route("POST", rf"{_SUPERUSERS}/auth-refresh", "/admins/auth-refresh", value=auth.superuser_sign_in),
    Route("POST", rf"{_SUPERUSERS}/((?:request|confirm)-password-reset)", r"/admins/\1"),
    Route("GET", rf"{_SUPERUSERS}/auth-methods", value=auth.auth_methods, prepare=_superuser_auth_methods),
    Route(".*", rf"{_SUPERUSERS}(?:/.*)?", since="0.23"),
    Route("GET", "/collections/_externalAuths/records", prepare=external_auths.list_links),
    Route("DELETE", "/collections/_externalAuths/records/[^/]+", prepare=external_auths.unlink),
    Route("GET", "/collections/_externalAuths/records/[^/]+", prepare=external_auths.view_link),
    Route(".*", "/collections/(?:_externalAuths|_mfas|_otps|_authOrigins)(?:/.*)?", since="0.23"),
    Route("GET", "/collections/meta/scaffolds", since="0.23"),
    Route(".*", "/collections/meta/.*", since="0.37"),
    Route("PUT", "/collections/import", prepare=collection_requests.import_collections),
    Route("GET", "/collections", request=records.legacy_query, value=_collections),
    Route("POST", "/collections", request=_new_collection, value=current_collection),
    Route("GET", _ANY, value=current_collection),
    Route("PATCH", _ANY, prepare=collection_requests.update, value=current_collection),
    Route("DELETE", f"{_ANY}/truncate", since="0.23"),
    Route("POST", f"{_ANY}/(?:auth-with-otp|request-otp|impersonate/.*)", since="0.23"),
    Route("POST", f"{_ANY}/auth-with-password", request=auth.password_sign_in),
    Route("POST", f"{_ANY}/auth-with-oauth2", request=auth.oauth2_sign_in, value=auth.oauth2_answer),
    Route("GET", f"{_ANY}/auth-methods", value=auth.auth_methods),
    Route("GET", f"{_ANY}/records", request=records.legacy_query),
    Route("POST", f"{_ANY}/records", request=records.legacy_record),
    Route("PATCH", f"{_ANY}/records/[^/]+", request=records.legacy_record),
    Route("PUT", f"{_ANY}/records", since="0.23"),
    Route("POST", "/realtime", request=realtime.check_topics),
    Route("GET", "/settings", value=settings.current_settings),
    Route("PATCH", "/settings", request=settings.legacy_settings, value=settings.current_settings),
    Route("POST", "/settings/test/email", request=settings.legacy_test_email),
    Route("GET", "/logs", request=_logs_query, value=settings.current_logs),
    Route("GET", "/logs/stats", request=_logs_query),
    Route("GET", "/logs/[^/]+", value=settings.current_log),
    Route("DELETE", "/logs", since="0.40"),
    Route("POST", "/batch", since="0.23"),
    Route(".*", "/crons(?:/.*)?", since="0.24"),
    Route(".*", "/sql", since="0.39"),
)


def check_since(route: Route, method: str, path: str) -> None:
    """Raise a PocketBaseInputError if PocketBase 0.22 does not have a route."""
    if route.since:
        raise refuse(f"{method} /api{path}", route.since)
