"""The store of a token and of the record that the token belongs to."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, Literal

from ..concurrency.callbacks import notify
from ..input_errors import PocketBaseInputTypeError
from ..peer_names import AnswersPeerNames
from . import cookies
from .serialization import SignIn, copy_record, parse_stored
from .token import SUPERUSERS_ID, claims, digest, expires_at, has_expired, is_valid, subject

SUPERUSERS = "_superusers"
_CALLBACK_NAME = "a callback of on_change"


class AuthStore(AnswersPeerNames):
    """A store in memory: the token and the record of the signed-in user."""

    _known_sign_in: tuple[str, SignIn] = "", SignIn("")
    """A token, and the sign-in that it comes from."""
    _needs_loading = False
    """True if the store is empty only because it has not been loaded yet."""
    _is_shared = False
    """True if other processes may change what the store holds."""
    _lock_timeout = 10.0
    """The longest time, in seconds, that each step of an exclusive block may take."""

    def __init__(self) -> None:
        self._token = ""
        self._record: dict[str, Any] | None = None
        self._callbacks: list[Callable[[str, dict[str, Any] | None], object]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({name_user(self)})"

    @property
    def token(self) -> str:
        """The token; `""` if nobody is signed in."""
        return self._token

    @property
    def record(self) -> dict[str, Any] | None:
        """The record of the signed-in user; None if nobody is signed in, or if the token was saved without a record."""
        return self._record

    @property
    def is_valid(self) -> bool:
        """True if the token can be read and has not expired, by this machine's clock."""
        return is_valid(self.token, time.time())

    @property
    def is_superuser(self) -> bool:
        """True if the token is a superuser's."""
        payload = claims(self.token)
        if payload.get("type") != "auth":
            return False
        name = (self.record or {}).get("collectionName")
        return name == SUPERUSERS or (not name and payload.get("collectionId") == SUPERUSERS_ID)

    def save(self, token: str, record: Mapping[str, Any] | None = None) -> None:
        """Replace the token and its record, and call the callbacks of `on_change`.

        A store that cannot write them raises an error, usually an OSError. Token and record have changed in memory all
        the same, and the callbacks have been called.

        Raises:
            TypeError: If the token is not text, the record is not a dict, or the store cannot represent the record.
                Nothing has changed.
        """
        if not isinstance(token, str):
            raise PocketBaseInputTypeError(f"a token must be text, not {type(token).__name__}")
        if not isinstance(record, Mapping | None):
            raise TypeError(f"a record must be a dict, not {type(record).__name__}")
        self._set(token, copy_record(record) if record is not None else None)

    def clear(self) -> None:
        """Remove the token and its record, and call the callbacks of `on_change`.

        A store that cannot write the change raises an error afterwards, as `save` does.
        """
        self._set("", None)

    def on_change(
        self, callback: Callable[[str, dict[str, Any] | None], object], immediately: bool = False
    ) -> Callable[[], None]:
        """Call `callback(token, record)` after each change.

        If a callback raises an exception, the exception is logged. The change stands, and the other callbacks are
        called.

        Args:
            callback: The function to call.
            immediately: Whether to call the function also at once, with the present token and record.

        Returns:
            A function that removes the callback.
        """
        self._callbacks.append(callback)
        if immediately:
            notify(_CALLBACK_NAME, callback, self.token, self.record)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def load_from_cookie(self, header: str | None, key: str = "pb_auth") -> None:
        """Replace token and record by those of a request's Cookie header. An invalid cookie empties the store.

        A token that has expired by this machine's clock empties the store too: a visitor whose session is over is a
        guest. Do not trust the result: a cookie is user input, and the token is unverified until the server accepts it.

        Args:
            header: The value of the Cookie header; None if the request has none.
            key: The name of the cookie.

        Raises:
            TypeError: If `header` is not text.
        """
        if not isinstance(header, str | None):
            raise TypeError(f"header must be the text of the Cookie header, not {type(header).__name__}")
        token, record = parse_stored(cookies.get_cookie(header or "", key), "the cookie")
        self._set(*(("", None) if has_expired(token, time.time()) else (token, record)))

    def export_to_cookie(
        self,
        key: str = "pb_auth",
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = True,
        http_only: bool = True,
        same_site: cookies.SameSite | Literal[""] | None = "Strict",
        expires: datetime | Literal["token"] | None = "token",
        max_age: int | None = None,
    ) -> str:
        """Return the value of a Set-Cookie header with token and record. The JS SDK can read the cookie.

        A store without a token returns a cookie that has expired, so that the browser deletes its own. A record that
        makes the header larger than 4096 bytes is cut to the fields that identify its user.

        Args:
            key: The name of the cookie.
            path: The path below which the browser sends the cookie.
            domain: The domain whose hosts get the cookie; None is the host that sets it.
            secure: Whether the browser sends the cookie over HTTPS only.
            http_only: Whether to hide the cookie from JavaScript.
            same_site: `"Strict"`, `"Lax"` or `"None"`, in any case; None leaves the attribute out.
            expires: When the browser deletes the cookie. By default, when the token expires; None is a session cookie,
                which the browser deletes when it is closed. A naive datetime is taken as UTC.
            max_age: The seconds after which the browser deletes the cookie. Browsers prefer it to `expires`.

        Raises:
            TypeError: If the name, `expires` or `max_age` is of another type.
            ValueError: If the name or an attribute cannot be part of the header, or `same_site` is not valid.
        """
        token = self.token
        attributes = cookies.lifetime_attributes(token, expires, max_age)
        attributes += cookies.scope_attributes(path, domain, same_site, http_only=http_only, secure=secure)
        return cookies.build_set_cookie(key, token, self.record, attributes)

    async def aclose(self) -> None:
        """Wait until all changes are written. Closing the client calls this method."""

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        self._token, self._record = token, record
        for callback in [*self._callbacks]:
            # Not `token` and `record`: if a callback has changed the store, those after it get that change.
            notify(_CALLBACK_NAME, callback, self._token, self._record)

    def _sign_in_of(self, token: str) -> SignIn:
        known, sign_in = self._known_sign_in
        return sign_in if token == known else SignIn(digest(token) if token else "")

    def _save_issued(self, token: str, record: Mapping[str, Any]) -> None:
        before = self._known_sign_in
        self._known_sign_in = token, SignIn(digest(token), _lifetime(token))
        try:
            self.save(token, record)
        finally:
            if self.token != token:
                self._known_sign_in = before

    def _save_refreshed(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        before = self._known_sign_in
        if old and self.token == old and subject(old) == subject(token):  # else the refresh is a new sign-in
            # Set before the callbacks are called, because a callback may ask which sign-in this is.
            sign_in = AuthStore._sign_in_of(self, old)
            self._known_sign_in = token, sign_in if token == old else SignIn(sign_in.id, _lifetime(token))
        try:
            self._replace(old, token, record)
        finally:
            if self.token != token:
                self._known_sign_in = before

    def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        """Replace `old` by the token that it was refreshed to, unless the store has another token by now."""
        if self.token == old:
            self.save(token, record)

    def _reload_shared(self) -> None:
        """Take over what another process has written. No other process can write to this one's memory."""

    async def _reload_shared_async(self) -> None:
        self._reload_shared()

    def _hold_exclusively(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


# Other modules of this package call the functions below, because public methods could collide with those of a user's
# subclass. For the same reason, two of the functions name the class.


def sign_in_of(store: AuthStore) -> str:
    """Return a name of the present sign-in, which stays the same while tokens are refreshed; `""` for a guest."""
    return AuthStore._sign_in_of(store, store.token).id  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def lifetime_of(store: AuthStore) -> float | None:
    """Return how many seconds the present token had to live when it was issued; None if that is not known."""
    return AuthStore._sign_in_of(store, store.token).lifetime  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def save_issued(store: AuthStore, token: str, record: Mapping[str, Any]) -> None:
    """Save the token and the record of a sign-in, as the server has issued them."""
    AuthStore._save_issued(store, token, record)  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def replace_refreshed(store: AuthStore, old: str, token: str, record: Mapping[str, Any]) -> None:
    """Replace `old` by the token that it was refreshed to. The sign-in stays the same.

    Nothing changes if the user signed out, or somebody signed in, in the meantime, here or in another process.
    """
    AuthStore._save_refreshed(store, old, token, record)  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def reload_shared(store: AuthStore) -> None:
    """Take over what another process has written to a store that can be read without waiting, a `FileAuthStore`."""
    store._reload_shared()  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


async def reload(store: AuthStore) -> None:
    """Take over what another process has written to a store that processes share.

    Raises:
        Exception: What the `load` of an `AsyncAuthStore` raises; a TimeoutError if it takes too long.
    """
    await store._reload_shared_async()  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def exclusive(store: AuthStore) -> AbstractAsyncContextManager[None]:
    """Hold the lock that processes share.

    On entry, what another process has written is taken over. On exit, the changes made meanwhile are written before
    the lock is released. If there is no lock, or it cannot be obtained, the block runs without it: at worst, two
    processes renew a token where one was enough.
    """
    return store._hold_exclusively()  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def needs_loading(store: AuthStore) -> bool:
    """Return whether the store is empty only because it has not been loaded yet."""
    return store._needs_loading  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def is_shared(store: AuthStore) -> bool:
    """Return whether other processes may change what the store holds, so that `reload` may bring something."""
    return store._is_shared  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def _lifetime(token: str) -> float | None:
    """Return how many seconds a token that was issued now will live; None for one that the clock calls expired."""
    expires = expires_at(token)
    lifetime = 0.0 if expires is None else expires - time.time()
    return round(lifetime, 3) if lifetime > 0 else None


def name_user(store: AuthStore) -> str:
    """Return who is signed in, for a repr: the e-mail address, the user name or the id; empty for a guest."""
    if not store.token:
        return ""
    record = store.record or {}
    names = (record.get("email"), record.get("username"), record.get("id"), subject(store.token)[1], "unknown user")
    name = next(each for each in names if each and isinstance(each, str))
    return repr(name[:80])[1:-1]  # escaped
