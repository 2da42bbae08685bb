"""Keeps a token and the record it belongs to."""

import copy
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from ..callbacks import notify
from . import cookies
from .token import claims, expires_at, is_token, is_valid

_logger = logging.getLogger("pocketbase_core")
SUPERUSERS = "_superusers"
_SUPERUSERS_ID = "pbc_3142635823"


class AuthStore:
    """Who is signed in, in memory."""

    _renewal: tuple[str, str] = "", ""
    """The token that the sign-in gave, and the token that `renew` saved last."""

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
        """Keep a token and its record, and tell the listeners."""
        if not isinstance(token, str):
            raise TypeError(f"a token must be text, not {type(token).__name__}")
        self._set(token, copy.deepcopy(dict(record)) if record is not None else None)

    def clear(self) -> None:
        """Forget both, and tell the listeners."""
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

    def _renew(self, token: str, record: Mapping[str, Any] | None) -> None:
        """Save a token that the server gave in exchange for the present one, so that the sign-in stays the same."""
        before = self._renewal
        self._renewal = sign_in_of(self), token  # before the callbacks are called, which may ask for it
        try:
            self.save(token, record)
        except BaseException:
            self._renewal = before
            raise

    def _sign_in(self) -> str:
        """Return the token with which the present sign-in began. It identifies the sign-in while tokens are renewed."""
        first, last = self._renewal
        token = self.token
        return first if token == last else token

    def _set(self, token: str, record: dict[str, Any] | None) -> None:
        self._token, self._record = token, record
        for callback in [*self._listeners]:
            notify("a callback of on_change", callback, token, record)


# Functions, because a store of the user's own may have methods of such names.
renew = AuthStore._renew  # pyright: ignore[reportPrivateUsage]
sign_in_of = AuthStore._sign_in  # pyright: ignore[reportPrivateUsage]


def from_text(text: str | bytes, source: str) -> tuple[str, dict[str, Any] | None]:
    """Token and record out of the JSON that stores and cookies hold; empty, with a warning, when it is broken."""
    if not text:
        return "", None
    try:
        data: Any = json.loads(text)
        token, record = data["token"], data.get("record")
        if is_token(token) and isinstance(record, dict | None):
            return token, cast("dict[str, Any] | None", record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    _logger.warning("%s holds no token that can be read; it counts as empty", source)
    return "", None
