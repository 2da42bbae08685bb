"""Sign-ins to an auth collection, and the e-mails that go with them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ..auth.token import is_sendable_token
from ..calls.call import Call
from ..calls.filters import build_filter
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path, segment
from ..errors import unexpected_response
from ..messages import Response
from . import records
from .pages import Page

_EXTERNAL_AUTHS = "_externalAuths"
_PROVIDER = ("name", "authURL", "codeVerifier")


def _post(collection: str, action: str, body: Mapping[str, Any], options: Options) -> Call[None]:
    return options.call("POST", api_path("collections", collection, action), parse_nothing, body=body)


def _sign_in(collection: str, action: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    given = {key: value for key, value in body.items() if value is not None}
    return options.call("POST", api_path("collections", collection, action), _parse_auth, body=given)


def with_password(
    collection: str, identity: str, password: str, identity_field: str | None, mfa_id: str | None, options: Options
) -> Call[dict[str, Any]]:
    body = {"identity": identity, "password": password, "identityField": identity_field, "mfaId": mfa_id}
    return _sign_in(collection, "auth-with-password", body, options)


def with_otp(collection: str, otp_id: str, password: str, mfa_id: str | None, options: Options) -> Call[dict[str, Any]]:
    return _sign_in(collection, "auth-with-otp", {"otpId": otp_id, "password": password, "mfaId": mfa_id}, options)


def with_oauth2(collection: str, payload: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Sign in with a code. A `redirectUrl`, the name before PocketBase 0.23, is sent as `redirectURL`."""
    if not isinstance(payload, Mapping):
        raise TypeError(f"the payload must be a dict, not {type(payload).__name__}")
    body = {("redirectURL" if key == "redirectUrl" else key): value for key, value in payload.items()}
    if missing := [key for key in ("provider", "code") if not body.get(key)]:
        raise ValueError(f"the payload lacks {', '.join(missing)}")
    return _sign_in(collection, "auth-with-oauth2", body, options)


def refresh(collection: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("POST", api_path("collections", collection, "auth-refresh"), _parse_auth)


def impersonate(collection: str, record_id: str, duration: int | None, options: Options) -> Call[dict[str, Any]]:
    path = api_path("collections", collection, "impersonate", record_id)
    return options.call("POST", path, _parse_auth, body={} if duration is None else {"duration": duration})


def methods(collection: str, options: Options) -> Call[dict[str, Any]]:
    return options.call("GET", api_path("collections", collection, "auth-methods"), parse_object)


def request_otp(collection: str, email: str, options: Options) -> Call[dict[str, Any]]:
    path = api_path("collections", collection, "request-otp")
    return options.call("POST", path, parse_object, body={"email": email})


def request_password_reset(collection: str, email: str, options: Options) -> Call[None]:
    return _post(collection, "request-password-reset", {"email": email}, options)


def confirm_password_reset(
    collection: str, token: str, password: str, password_confirm: str | None, options: Options
) -> Call[None]:
    confirm = password if password_confirm is None else password_confirm
    body = {"token": token, "password": password, "passwordConfirm": confirm}
    return _post(collection, "confirm-password-reset", body, options)


def request_verification(collection: str, email: str, options: Options) -> Call[None]:
    return _post(collection, "request-verification", {"email": email}, options)


def confirm_verification(collection: str, token: str, options: Options) -> Call[None]:
    return _post(collection, "confirm-verification", {"token": token}, options)


def request_email_change(collection: str, new_email: str, options: Options) -> Call[None]:
    return _post(collection, "request-email-change", {"newEmail": new_email}, options)


def confirm_email_change(collection: str, token: str, password: str, options: Options) -> Call[None]:
    return _post(collection, "confirm-email-change", {"token": token, "password": password}, options)


def external_auths(record_id: str, number: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """Read a page of the accounts that are linked to a record."""
    return records.get_page(
        _EXTERNAL_AUTHS, number, 1000, _with_filter("recordRef = {:id}", {"id": record_id}, options)
    )


def external_auth_id(record_id: str, provider: str, options: Options) -> Call[str]:
    """Find the id of a provider's account that is linked to a record."""
    values = {"id": record_id, "provider": provider}
    call = records.get_first(
        _EXTERNAL_AUTHS, _with_filter("recordRef = {:id} && provider = {:provider}", values, options)
    )

    def parse(response: Response) -> str:
        link_id: Any = call.parse(response).get("id")
        try:
            segment(link_id)
        except (TypeError, ValueError):
            raise unexpected_response(response, "a record with an id") from None
        return str(link_id)

    return call.with_parser(parse)


def unlink(link_id: str, options: Options) -> Call[None]:
    return records.delete(_EXTERNAL_AUTHS, link_id, options)


def _with_filter(raw: str, values: Mapping[str, str], options: Options) -> Options:
    if "filter" in options.params:
        raise ValueError("params holds ['filter'], which this method sets itself")
    return replace(options, params={**options.params, "filter": build_filter(raw, values)})


def oauth2_provider(collection: str, name: str, options: Options) -> Call[dict[str, str]]:
    """Read what a sign-in with an OAuth2 provider needs: `{"name", "authURL", "codeVerifier"}`.

    The parser raises ValueError if the collection does not offer the provider.
    """
    call = methods(collection, options)

    def parse(response: Response) -> dict[str, str]:
        auth_methods = call.parse(response)
        try:
            providers: list[Any] = [*auth_methods["oauth2"]["providers"]]
            known = {str(each["name"]): {key: each[key] for key in _PROVIDER} for each in providers}
        except (TypeError, KeyError):
            raise unexpected_response(response, "the ways to sign in") from None
        if name not in known:
            offered = ", ".join(sorted(known)) or "none"
            raise ValueError(f"the collection offers no OAuth2 provider {name!r}; offered: {offered}")
        provider = known[name]
        if not is_sendable_token(provider["codeVerifier"]) or not _is_web_address(provider["authURL"]):
            raise unexpected_response(response, "an OAuth2 provider with an http or https address")
        return provider

    return call.with_parser(parse)


def _is_web_address(url: object) -> bool:
    """Return whether a browser may open a URL. A server's text could name a file, or be an option of the command."""
    if not isinstance(url, str) or not url.isprintable() or re.search(r"[\s\\]", url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def sign_in_url(provider: Mapping[str, str], redirect_url: str, client_id: str, scopes: list[str] | None) -> str:
    """Return the page to sign in on; the provider sends the user back to the server with `state`, the client's id."""
    parts = urlsplit(f"{provider['authURL']}{quote(redirect_url, safe='')}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {"state": client_id}
    if scopes:
        query["scope"] = " ".join(scopes)
    return urlunsplit(parts._replace(query=urlencode(query)))


def _parse_auth(response: Response) -> dict[str, Any]:
    auth = parse_object(response)
    if not is_sendable_token(auth.get("token")) or not isinstance(auth.get("record"), dict):
        raise unexpected_response(response, "a token and a record")
    return auth
