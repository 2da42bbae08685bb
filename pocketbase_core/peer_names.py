"""The names that other PocketBase SDKs use, answered with the names of this library.

The other SDKs are the JavaScript SDK, `pocketbase` and `pocketbase-async` for Python. A name of theirs that is only
spelled differently (`getFullList`, `get_full_list`) needs no entry here: see `spelling_key`.
"""

from typing import TYPE_CHECKING, Any

from .suggestions import spelling_key

_NEVER_CANCELLED = "no call is cancelled automatically: leave this out; cancel a call by cancelling its task"

_ADVICE: dict[str, dict[str, str]] = {
    "BlockingMethods": {
        "aclose": "use close",
    },
    "PocketBase": {
        "authRefresh": "use collection(…).auth.refresh",
        "authWithPassword": "use collection(…).auth.with_password",
        "autoCancellation": _NEVER_CANCELLED,
        "cancelAllRequests": _NEVER_CANCELLED,
        "cancelRequest": _NEVER_CANCELLED,
        "close": "use aclose",
        "getFileUrl": "use files.get_url",
        "records": "use collection(…)",
        "users": 'use collection("users")',
    },
    "RecordService": {
        "authRefresh": "use auth.refresh",
        "authWithOAuth2": "use auth.with_oauth2_browser, or auth.with_oauth2 if you have a code",
        "authWithOAuth2Code": "use auth.with_oauth2",
        "authWithOTP": "use auth.with_otp",
        "authWithPassword": "use auth.with_password",
        "collectionIdOrName": "remember the name that collection(…) was called with",
        "confirmEmailChange": "use auth.confirm_email_change",
        "confirmPasswordReset": "use auth.confirm_password_reset",
        "confirmVerification": "use auth.confirm_verification",
        "getFileUrl": "use files.get_url of the client",
        "getFirstListItem": "use get_first",
        "impersonate": "use auth.impersonate",
        "listAuthMethods": "use auth.methods",
        "listExternalAuths": "use auth.list_external_auths",
        "requestEmailChange": "use auth.request_email_change",
        "requestOTP": "use auth.request_otp",
        "requestPasswordReset": "use auth.request_password_reset",
        "requestVerification": "use auth.request_verification",
        "subscribeOne": "use subscribe",
        "truncate": "use collections.truncate of the client",
        "unlinkExternalAuth": "use auth.unlink_external_auth",
        "upsert": "use create_batch of the client, and upsert in the batch",
    },
    "AuthService": {
        "authRefresh": "use refresh",
        "authWithOAuth2": "use with_oauth2_browser, or with_oauth2 if you have a code",
        "authWithOAuth2Code": "use with_oauth2",
        "authWithOTP": "use with_otp",
        "authWithPassword": "use with_password",
        "listAuthMethods": "use methods",
    },
    "FileService": {
        "download": "use download_file, download_to or stream",
        "getFileUrl": "use get_url",
    },
    "CollectionService": {
        "getFirstListItem": "use get_first",
        "import": "use import_collections",
    },
    "BackupService": {
        "getList": "use get_full_list",
    },
    "LogService": {
        "getRequest": "use get_one",
        "getRequestsList": "use get_list",
        "getRequestsStats": "use get_stats",
        "getRequests": "use get_list",
    },
    "SettingsService": {
        "getFullList": "use get_all",
    },
    "Realtime": {
        "connect": "use subscribe, which connects",
        "disconnect": "use close",
        "subscriptions": "keep the functions that subscribe returned",
        "unsubscribeByTopicAndListener": "call the function that subscribe returned",
    },
    "StreamedResponse": {
        "aiter_bytes": "use iter_bytes",
    },
    "Batch": {
        "requests": "use queue",
    },
    "AuthStore": {
        "adminId": 'use record["id"]',
        "adminToken": "use token",
        "baseModel": "use record",
        "baseToken": "use token",
        "clean": "use clear",
        "isAdmin": "use is_superuser",
        "isAuthRecord": "use is_valid and is_superuser",
        "model": "use record",
        "setAdmin": "use save",
        "setUser": "use save",
        "triggerChange": "use save, which calls the callbacks",
    },
    "PocketBaseError": {
        "code": "use status",
        "isAbort": "a call that is cancelled raises asyncio.CancelledError",
        "originalError": "use __cause__",
        "response": "use data",
        "statusCode": "use status",
        "toJSON": "use url, status and data",
    },
    "pocketbase_core": {
        "AuthModel": "records are dicts: use dict[str, Any]",
        "BaseAuthStore": "use AuthStore",
        "Client": "use PocketBase",
        "ClientResponseError": "use PocketBaseError",
        "ListResult": "use Page",
        "LocalAuthStore": "use FileAuthStore",
        "Record": "records are dicts: use dict[str, Any]",
        "RecordModel": "records are dicts: use dict[str, Any]",
        "RecordSubscription": "use RecordEvent",
        "getTokenPayload": "use auth_store.is_valid, or a library for JSON Web Tokens",
        "isTokenExpired": "use auth_store.is_valid",
    },
    "options": {
        "$autoCancel": _NEVER_CANCELLED,
        "$cancelKey": _NEVER_CANCELLED,
        "autoRefreshThreshold": "pass credentials=PasswordCredentials(…) to PocketBase, which keeps the session alive",
        "bodyParams": "pass the fields in the body",
        "data": "use body",
        "json": "use body",
        "query": "use params",
        "queryParams": "use params",
        "requestKey": _NEVER_CANCELLED,
        "signal": _NEVER_CANCELLED,
    },
}
_ADVICE_BY_KEY = {owner: {spelling_key(name): text for name, text in names.items()} for owner, names in _ADVICE.items()}


def advice(owner: str, name: str) -> str | None:
    """Return what to write instead of a name of another SDK; None if the name is not known.

    Args:
        owner: The class or the module that lacks the name; `options` for an option.
        name: The name, in any spelling.
    """
    return _ADVICE_BY_KEY.get(owner, {}).get(spelling_key(name))


def advice_for(instance: object, name: str) -> str | None:
    """Return what to write instead of an attribute that an object lacks; None if the name is not known."""
    if name.startswith("_"):
        return None
    key = spelling_key(name)
    for each in (*dir(type(instance)), *vars(instance)):
        if each != name and not each.startswith("_") and spelling_key(each) == key:
            return f"use {each}"
    found = (advice(each.__name__, name) for each in type(instance).__mro__)
    return next(filter(None, found), None)


class AnswersPeerNames:
    """A class whose instances raise an AttributeError with advice for an attribute that other SDKs have."""

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> Any:
            """Raise the error for a missing attribute. Python calls this after the usual lookup has failed."""
            if text := advice_for(self, name):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}; {text}")
            return object.__getattribute__(self, name)  # raises again, also what a property raised by itself
