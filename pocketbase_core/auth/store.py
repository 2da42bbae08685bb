"""The store of a token and of the record that the token belongs to."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..concurrency.callbacks import notify
from . import cookies
from .stored import copied, parse_stored
from .token import claims, expires_at, is_valid, subject

SUPERUSERS = "_superusers"
_SUPERUSERS_ID = "pbc_3142635823"


class AuthStore:
    """A store in memory: the token and the record of the signed-in user."""

    _renewal: tuple[str, str] = "", ""
    """The token that the sign-in gave, and the token that it was refreshed to last."""

    def __init__(self) -> None:
        self._token = ""
        self._record: dict[str, Any] | None = None
        self._callbacks: list[Callable[[str, dict[str, Any] | None], object]] = []

    @property
    def token(self) -> str:
        """The token; `""` if nobody is signed in."""
        return self._token

    @property
    def record(self) -> dict[str, Any] | None:
        """The record that signed in."""
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
        return name == SUPERUSERS or (not name and payload.get("collectionId") == _SUPERUSERS_ID)

    def save(self, token: str, record: Mapping[str, Any] | None = None) -> None:
        """Keep a token and its record, and tell the listeners.

        A store that cannot write them raises an error, as a rule an OSError. Token and record are in memory all the
        same, and the listeners have been told.
        """
        if not isinstance(token, str):
            raise TypeError(f"a token must be text, not {type(token).__name__}")
        self._set(token, copied(record) if record is not None else None)

    def clear(self) -> None:
        """Forget token and record, and tell the listeners. A failure to write is raised after that, as by `save`."""
        self._set("", None)

    def on_change(self, callback: Callable[[str, dict[str, Any] | None], object]) -> Callable[[], None]:
        """Call `callback(token, record)` after each change, until the returned function is called.

        What a callback raises is logged; the change stands, and the other callbacks are called.
        """
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def load_from_cookie(self, header: str, key: str = "pb_auth") -> None:
        """Take token and record from a request's Cookie header; a broken cookie empties the store.

        Anybody can have written the cookie: nothing of it is true until the server has accepted the token.
        """
        self._set(*parse_stored(cookies.get_cookie(header, key), "the cookie"))

    def export_to_cookie(
        self,
        key: str = "pb_auth",
        *,
        path: str = "/",
        domain: str = "",
        secure: bool = True,
        http_only: bool = True,
        same_site: str = "Strict",
    ) -> str:
        """Return a Set-Cookie header with token and record. The cookie expires when the token does."""
        attributes = {
            "Path": path,
            "Domain": domain,
            "SameSite": same_site,
            "HttpOnly": http_only,
            "Secure": secure,
        }
        return cookies.build_set_cookie(key, self.token, self.record, expires_at(self.token), attributes)

    async def aclose(self) -> None:
        """Wait until all changes are written. Closing the client calls this."""

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        self._token, self._record = token, record
        for callback in [*self._callbacks]:
            # Not `token` and `record`: a callback may have changed the store, and those after it know of that change.
            notify("a callback of on_change", callback, self._token, self._record)

    def _sign_in(self) -> str:
        first, last = self._renewal
        token = self.token
        return first if token == last else token

    def _save_refreshed(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        before = self._renewal
        if old and self.token == old and subject(old) == subject(token):  # a refresh may bring a token of its own
            self._renewal = AuthStore._sign_in(self), token  # before the callbacks are called, which may ask for it
        try:
            self._replace(old, token, record)
        finally:
            if self.token != token:
                self._renewal = before

    def _replace(self, old: str, token: str, record: Mapping[str, Any]) -> None:
        """Keep what `old` was refreshed to, unless the store has another token by now."""
        if self.token == old:
            self.save(token, record)

    def _reload_shared(self) -> None:
        """Take over what another process has written since. Nobody else writes to memory."""


# The rest of this package calls the functions below: public methods could collide with those of a user's subclass. For
# the same reason, two of the functions name the class.


def sign_in_of(store: AuthStore) -> str:
    """Return the token with which the present sign-in began. It identifies the sign-in while tokens are refreshed."""
    return AuthStore._sign_in(store)  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def replace_refreshed(store: AuthStore, old: str, token: str, record: Mapping[str, Any]) -> None:
    """Keep what `old` was refreshed to, unless somebody signed in or out meanwhile, here or in another process.

    The sign-in stays the same.
    """
    AuthStore._save_refreshed(store, old, token, record)  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores


def reload_shared(store: AuthStore) -> None:
    """Take over what another process has written to the same place."""
    store._reload_shared()  # pyright: ignore[reportPrivateUsage] - private, as applications subclass stores
