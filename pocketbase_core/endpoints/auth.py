"""Sign-ins to an auth collection, and the e-mails that belong to them."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ..auth.token import is_sendable_token
from ..calls.call import Call
from ..calls.filters import build_filter
from ..calls.options import Options
from ..calls.parsing import parse_nothing, parse_object
from ..calls.paths import api_path, segment
from ..errors import unexpected_response
from ..input_errors import PocketBaseInputError, PocketBaseInputTypeError
from ..messages import Response
from . import records
from .pages import Page

_EXTERNAL_AUTHS = "_externalAuths"
_PROVIDER_FIELDS = ("name", "authURL", "codeVerifier")
_OPTIONAL = ("identityField", "mfaId")


def _post(collection: str, action: str, body: Mapping[str, Any], options: Options) -> Call[None]:
    path = api_path("collections", collection, action)
    return Call.build("POST", path, parse_nothing, options, body=_with_extra_fields(_check_text(body), options))


def _sign_in(path: str, body: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    _check_fields(options)
    given = {key: value for key, value in body.items() if value is not None}
    return Call.build("POST", path, _parse_auth, options, body=_with_extra_fields(given, options))


def _with_extra_fields(body: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """Return the body of a method with the fields of the caller's option `body`."""
    extra: Any = options.method_options.get("body")
    if extra is None:
        return body
    if not isinstance(extra, Mapping):
        raise PocketBaseInputTypeError(f"option 'body' must be a dict, not {type(extra).__name__}")
    if duplicates := body.keys() & extra.keys():
        raise PocketBaseInputError(f"body must not contain {sorted(duplicates)}, which this method sets itself")
    return {**body, **extra}


def _check_text(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body whose values are text. A dict would be options that were passed in the place of a value."""
    for name, value in body.items():
        if not isinstance(value, str) and not (value is None and name in _OPTIONAL):
            raise PocketBaseInputTypeError(f"{name} must be text, not {type(value).__name__}; pass options by keyword")
    return body


def _check_fields(options: Options) -> None:
    """Refuse `fields` without the token or the record: the sign-in would succeed, and its token would be lost."""
    fields = options.params.get("fields", "")
    if isinstance(fields, tuple):
        fields = fields[0] if fields else ""  # the server reads the first one
    names = {name.strip() for name in fields.split(",")}
    has_token = not names.isdisjoint({"*", "token"})
    has_record = not names.isdisjoint({"*", "record"}) or any(name.startswith("record.") for name in names)
    is_changed = any(name.startswith(("token:", "record:")) for name in names)  # by a modifier such as `:excerpt(3)`
    if fields and (is_changed or not (has_token and has_record)):
        raise PocketBaseInputError(
            f"fields={fields!r} does not return the whole token and a record, which the auth store keeps; "
            'write "token,record", or "token,record.id,record.email" for a part of the record'
        )


def with_password(
    collection: str, identity: str, password: str, identity_field: str | None, mfa_id: str | None, options: Options
) -> Call[dict[str, Any]]:
    """Build the sign-in with a password."""
    body = {"identity": identity, "password": password, "identityField": identity_field, "mfaId": mfa_id}
    return _sign_in(api_path("collections", collection, "auth-with-password"), _check_text(body), options)


def with_otp(collection: str, otp_id: str, password: str, mfa_id: str | None, options: Options) -> Call[dict[str, Any]]:
    """Build the sign-in with a one-time password."""
    body = {"otpId": otp_id, "password": password, "mfaId": mfa_id}
    return _sign_in(api_path("collections", collection, "auth-with-otp"), _check_text(body), options)


def with_oauth2(collection: str, payload: Mapping[str, Any], options: Options) -> Call[dict[str, Any]]:
    """Build the sign-in with the code of an OAuth2 provider.

    The key `redirectUrl`, the name before PocketBase 0.23, is sent as `redirectURL`.

    Raises:
        TypeError: If `payload` is not a dict.
        ValueError: If `payload` has no provider or no code.
    """
    if not isinstance(payload, Mapping):
        raise PocketBaseInputTypeError(f"the payload must be a dict, not {type(payload).__name__}")
    body = {("redirectURL" if key == "redirectUrl" else key): value for key, value in payload.items()}
    if missing := [key for key in ("provider", "code") if not body.get(key)]:
        raise PocketBaseInputError(f"the payload lacks {', '.join(missing)}")
    return _sign_in(api_path("collections", collection, "auth-with-oauth2"), body, options)


def oauth2_payload(
    provider: str, code: str, code_verifier: str, redirect_url: str, create_data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a payload of `with_oauth2`."""
    payload = {"provider": provider, "code": code, "codeVerifier": code_verifier, "redirectURL": redirect_url}
    return {**payload, "createData": create_data or None}


def refresh(collection: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call that exchanges the user's token for a new one."""
    return _sign_in(api_path("collections", collection, "auth-refresh"), {}, options)


def impersonate(collection: str, record_id: str, duration: int | None, options: Options) -> Call[dict[str, Any]]:
    """Build the call for a token of another user, valid for `duration` seconds."""
    if isinstance(duration, bool) or not isinstance(duration, int | None):
        raise PocketBaseInputTypeError(f"duration must be seconds, not {duration!r}; pass options by keyword")
    return _sign_in(api_path("collections", collection, "impersonate", record_id), {"duration": duration}, options)


def methods(collection: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call for the ways to sign in that the collection offers."""
    return Call.build("GET", api_path("collections", collection, "auth-methods"), parse_object, options)


def request_otp(collection: str, email: str, options: Options) -> Call[dict[str, Any]]:
    """Build the call that sends a one-time password by e-mail."""
    path = api_path("collections", collection, "request-otp")
    body = _with_extra_fields(_check_text({"email": email}), options)
    return Call.build("POST", path, parse_object, options, body=body)


def request_password_reset(collection: str, email: str, options: Options) -> Call[None]:
    """Build the call that sends an e-mail with a token for a new password."""
    return _post(collection, "request-password-reset", {"email": email}, options)


def confirm_password_reset(
    collection: str, token: str, password: str, password_confirm: str | None, options: Options
) -> Call[None]:
    """Build the call that sets a new password with the token of the e-mail."""
    confirm = password if password_confirm is None else password_confirm
    body = {"token": token, "password": password, "passwordConfirm": confirm}
    return _post(collection, "confirm-password-reset", body, options)


def request_verification(collection: str, email: str, options: Options) -> Call[None]:
    """Build the call that sends an e-mail with a token for the verification of its address."""
    return _post(collection, "request-verification", {"email": email}, options)


def confirm_verification(collection: str, token: str, options: Options) -> Call[None]:
    """Build the call that verifies an e-mail address with the token of the e-mail."""
    return _post(collection, "confirm-verification", {"token": token}, options)


def request_email_change(collection: str, new_email: str, options: Options) -> Call[None]:
    """Build the call that sends an e-mail with a token to a user's new address."""
    return _post(collection, "request-email-change", {"newEmail": new_email}, options)


def confirm_email_change(collection: str, token: str, password: str, options: Options) -> Call[None]:
    """Build the call that changes a user's e-mail address with the token of the e-mail."""
    return _post(collection, "confirm-email-change", {"token": token, "password": password}, options)


def external_auths(record_id: str, page: int, options: Options) -> Call[Page[dict[str, Any]]]:
    """Build the call for a page of the accounts of OAuth2 providers that are linked to a record."""
    return records.get_page(_EXTERNAL_AUTHS, page, 1000, _with_filter("recordRef = {:id}", {"id": record_id}, options))


def external_auth_id(record_id: str, provider: str, options: Options) -> Call[str]:
    """Build the call for the id of the link between a record and an account of an OAuth2 provider."""
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
    """Build the call that removes the link to an account of an OAuth2 provider."""
    return records.delete(_EXTERNAL_AUTHS, link_id, options)


def _with_filter(raw: str, values: Mapping[str, str], options: Options) -> Options:
    if "filter" in options.params:
        raise PocketBaseInputError("params must not contain ['filter'], which this method sets itself")
    return options.with_params({**options.params, "filter": build_filter(raw, values)})


class OAuth2Providers(NamedTuple):
    """A provider that was asked for, and the names of all providers of the collection."""

    requested: dict[str, str] | None
    """`{"name", "authURL", "codeVerifier"}`; None if the collection does not offer the provider."""
    offered: list[str]


def oauth2_provider(collection: str, name: str, options: Options) -> Call[OAuth2Providers]:
    """Build the call for the data that a sign-in with an OAuth2 provider requires."""
    call = methods(collection, options)

    def parse(response: Response) -> OAuth2Providers:
        auth_methods = call.parse(response)
        try:
            providers: list[Any] = [*auth_methods["oauth2"]["providers"]]
            by_name = {str(each["name"]): {key: each[key] for key in _PROVIDER_FIELDS} for each in providers}
        except (TypeError, KeyError):
            raise unexpected_response(response, "the auth methods of a collection") from None
        provider = by_name.get(name)
        if provider is None:
            return OAuth2Providers(None, sorted(by_name))
        if not is_sendable_token(provider["codeVerifier"]) or not _is_web_address(provider["authURL"]):
            raise unexpected_response(response, "an OAuth2 provider with an http or https address")
        return OAuth2Providers(provider, sorted(by_name))

    return call.with_parser(parse)


def _is_web_address(url: object) -> bool:
    """Return whether a URL is safe to pass to a browser.

    The URL comes from the server: it could be the path of a file, or an option of the browser's command.
    """
    if not isinstance(url, str) or not url.isprintable() or re.search(r"[\s\\]", url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def sign_in_url(provider: Mapping[str, str], redirect_url: str, client_id: str, scopes: list[str] | None) -> str:
    """Return the URL of the provider's sign-in page.

    Args:
        provider: The `requested` provider of `OAuth2Providers`.
        redirect_url: The URL on the server to which the provider sends the user back.
        client_id: The id of the realtime connection that the server informs then; sent as `state`.
        scopes: The permissions to request; None keeps the scopes of the provider's URL.
    """
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
