"""The settings of an auth collection in the current format, as options of PocketBase 0.22."""

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from ...calls.legacy_expressions import to_legacy_expression
from ...calls.legacy_refusal import refuse
from ...endpoints.legacy_fields import ACCOUNT_OPTIONS, IDENTITIES

_NEW: dict[str, Any] = {
    "allowEmailAuth": True,
    "allowUsernameAuth": False,
    "allowOAuth2Auth": False,
    "exceptEmailDomains": None,
    "onlyEmailDomains": None,
    "manageRule": None,
    "minPasswordLength": 8,
    "onlyVerified": False,
    "requireEmail": True,
}
"""The options of a new collection, as newer servers set them."""
_DURATIONS = {
    "authToken": (432000, 604800),
    "passwordResetToken": (1800,),
    "emailChangeToken": (1800,),
    "verificationToken": (86400, 259200),
    "fileToken": (180,),
}
"""The durations of tokens, in seconds, that the versions since 0.23 have given to new collections."""
_TEMPLATES = {
    "verificationTemplate": (2647827421, 3032588333),
    "resetPasswordTemplate": (1149463643, 658301551),
    "confirmEmailChangeTemplate": (2733027536, 565995552),
    "authAlert": (1595113357, 2858819195),
}
"""The checksums of the templates that the versions since 0.23 have given to new collections."""
AUTH_SETTINGS = ("authRule", "manageRule", "passwordAuth", "oauth2", "mfa", "otp", *_DURATIONS, *_TEMPLATES)
"""The keys of an auth collection that other collections do not have."""
_MAPPED = {"username": "username"}
"""The field that 0.22 takes from the answer of an OAuth2 provider."""


def is_empty(value: Any) -> bool:
    """Return True for a value that sets nothing, such as an empty list or a dict of such values."""
    return all(map(is_empty, value.values())) if isinstance(value, Mapping) else not value  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


def section(body: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    """Return what a body has under a key, or an empty dict if it has nothing."""
    found: Mapping[str, Any] = (body or {}).get(key) or {}
    return found


def auth_options(body: Mapping[str, Any], fields: Iterable[Any], current: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of an auth collection of 0.22 that a body names, or all of them for a new collection.

    Args:
        body: The collection in the current format.
        fields: Its fields.
        current: The collection as the server has it, in the format of 0.22, or None.

    Raises:
        PocketBaseInputError: If the body asks for what 0.22 does not have.
    """
    present: Mapping[str, Any] = _NEW if current is None else section(current, "options")
    options = dict(_NEW) if current is None else {}
    _refuse_newer(body)
    if "authRule" in body:
        options["onlyVerified"] = _only_verified(body["authRule"])
    if "manageRule" in body:
        rule = body["manageRule"]
        options["manageRule"] = to_legacy_expression(rule) if rule else None
    if body.get("passwordAuth"):
        options |= _password_auth(body["passwordAuth"], present)
    if "enabled" in section(body, "oauth2"):
        options["allowOAuth2Auth"] = bool(body["oauth2"]["enabled"])
    for field in fields:
        if isinstance(field, Mapping):
            options |= _account_options(field, present)  # pyright: ignore[reportUnknownArgumentType]
    return options


def _refuse_newer(body: Mapping[str, Any]) -> None:
    for key in ("mfa", "otp"):
        if section(body, key).get("enabled"):
            raise refuse(f"{key!r} of a collection", "0.23")
    for key, durations in _DURATIONS.items():
        token = section(body, key)
        if token.get("duration", 0) not in (0, *durations) or token.get("secret"):
            raise refuse(f"{key!r} of a collection, only that of all collections, in the settings,", "0.23")
    for key, checksums in _TEMPLATES.items():
        template = section(section(body, key), "emailTemplate") if key == "authAlert" else section(body, key)
        text = f"{template.get('subject', '')}{template.get('body', '')}"
        if text and zlib.crc32(text.encode()) not in checksums:
            raise refuse(f"{key!r} of a collection, only that of all collections, in the settings,", "0.23")
    if section(body, "authAlert").get("enabled") is False:
        raise refuse("sign-ins with OAuth2 without an e-mail (authAlert)", "0.23")
    oauth2 = section(body, "oauth2")
    if oauth2.get("providers"):
        raise refuse("OAuth2 providers of a collection, only those of all collections, in the settings,", "0.23")
    if any(value and _MAPPED.get(key) != value for key, value in section(oauth2, "mappedFields").items()):
        raise refuse("'mappedFields' of 'oauth2'", "0.23")


def _only_verified(rule: Any) -> bool:
    if rule is not None and re.sub(r"\s", "", str(rule)) in ("", "verified=true"):
        return bool(str(rule).strip())
    raise refuse(f"authRule {rule!r}, only '' and 'verified=true',", "0.23")


def _password_auth(settings: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Return who may sign in with a password. What the settings do not name stays as it is."""
    allowed = [field for field, option in IDENTITIES.items() if present.get(option)]
    enabled = settings.get("enabled", bool(allowed))
    fields = settings.get("identityFields", allowed or ["email"])
    for field in fields:
        if field not in IDENTITIES:
            raise refuse(f"{field!r} among the identityFields, only 'email' and 'username',", "0.23")
    return {option: bool(enabled and field in fields) for field, option in IDENTITIES.items()}


def _account_options(field: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields `password` and `email` say about the collection."""
    name = str(field.get("name"))
    if name == "password" and not field.get("min"):
        if field.get("min") is not None and present.get("minPasswordLength"):
            raise refuse("passwords without a minimum length", "0.23")
        return {}
    return {option.legacy: option.legacy_value(field.get(key)) for key, option in ACCOUNT_OPTIONS.get(name, {}).items()}
