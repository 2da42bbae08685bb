"""Keeps a token and the record it belongs to."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..callbacks import notify
from . import cookies
from .stored import copied, from_text
from .token import claims, expires_at, is_valid

SUPERUSERS = "_superusers"
_SUPERUSERS_ID = "pbc_3142635823"


class AuthStore:
    """Who is signed in, in memory."""

    _renewal: tuple[str, str] = "", ""
    """The token that the sign-in gave, and the token that it was refreshed to last."""

    def __init__(self) -> None:
        self._token = ""
        self._record: dict[str, Any] | None = None
        self._listeners: list[Callable[[str, dict[str, Any] | None], object]] = []

    @property
    def token(self) -> str:
        """The token, `""` when nobody is signed in."""
        return self._token

    @property
    def record(self) -> dict[str, Any] | None:
        """The record that signed in."""
        return self._record

    @property
    def is_valid(self) -> bool:
        """Whether the token can be read and has not expired, by this machine's clock."""
        return is_valid(self.token, time.time())

    @property
    def is_superuser(self) -> bool:
        """Whether the token is a superuser's."""
        payload = claims(self.token)
        if payload.get("type") != "auth":
            return False
        name = (self.record or {}).get("collectionName")
        return name == SUPERUSERS or (not name and payload.get("collectionId") == _SUPERUSERS_ID)

    def save(self, token: str, record: Mapping[str, Any] | None = None) -> None:
        """Keep a token and its record, and tell the listeners.

        A store that writes them somewhere raises what goes wrong there, an OSError as a rule. The token and the record
        are in memory then, and the listeners have been told.
        """
        if not isinstance(token, str):
            raise TypeError(f"a token must be text, not {type(token).__name__}")
        self._set(token, copied(record) if record is not None else None)

    def clear(self) -> None:
        """Forget both, and tell the listeners. What goes wrong elsewhere is raised after that, as by `save`."""
        self._set("", None)

    def on_change(self, callback: Callable[[str, dict[str, Any] | None], object]) -> Callable[[], None]:
        """Call `callback(token, record)` after each change, until the returned function is called.

        What a callback raises is logged; the change stands, and the other callbacks are called.
        """
        self._listeners.append(callback)

        def remove() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return remove

    def load_from_cookie(self, header: str, key: str = "pb_auth") -> None:
        """Take token and record from a request's Cookie header; a broken one empties the store.

        It is anybody's text: nothing of it is true until the server has accepted the token.
        """
        self._set(*from_text(cookies.value_of(header, key), "the cookie"))

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
        """A Set-Cookie header with token and record, which ends when the token does."""
        attributes = {
            "Path": path,
            "Domain": domain,
            "SameSite": same_site,
            "HttpOnly": http_only,
            "Secure": secure,
        }
        return cookies.set_cookie(key, self.token, self.record, expires_at(self.token), attributes)

    async def aclose(self) -> None:
        """Wait for what is still being written. Called when the client is closed."""

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        self._token, self._record = token, record
        for callback in [*self._listeners]:
            notify("a callback of on_change", callback, token, record)

    def _sign_in(self) -> str:
        first, last = self._renewal
        token = self.token
        return first if token == last else token

    def _renew(self, old: str, token: str, record: dict[str, Any]) -> None:
        before = self._renewal
        if self.token == old:
            self._renewal = AuthStore._sign_in(self), token  # before the callbacks are called, which may ask for it
        try:
            self._replace(old, token, record)
        finally:
            if self.token != token:
                self._renewal = before

    def _replace(self, old: str, token: str, record: dict[str, Any]) -> None:
        """Keep what `old` was refreshed to, unless the store has another token by now."""
        if self.token == old:
            self.save(token, record)

    def _look_again(self) -> None:
        """Take over what another process has written since. Nobody else writes to memory."""


def sign_in_of(store: AuthStore) -> str:
    """Return the token with which the present sign-in began. It identifies the sign-in while tokens are refreshed."""
    return AuthStore._sign_in(store)  # pyright: ignore[reportPrivateUsage] - a subclass may have such a name


def replace_renewed(store: AuthStore, old: str, token: str, record: Mapping[str, Any]) -> None:
    """Keep what `old` was refreshed to, unless somebody signed in or out meanwhile, here or in another process.

    The sign-in stays the same.
    """
    AuthStore._renew(store, old, token, copied(record))  # pyright: ignore[reportPrivateUsage]


def look_again(store: AuthStore) -> None:
    """Take over what another process has written to the same place."""
    store._look_again()  # pyright: ignore[reportPrivateUsage]
