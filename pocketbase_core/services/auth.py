"""Signing in to one auth collection."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ..api import auth
from ..auth.store import AuthStore, renew
from ..auth.token import user_of
from ..call import Call, Executor
from ..options import CommonOptions, RecordOptions, read
from .oauth2 import PATIENCE, browser_payload, open_browser
from .paging import all_items

if TYPE_CHECKING:
    from ..client import PocketBase


class AuthService:
    """Signs in; what signs in fills the auth store and returns `{"token", "record", "meta"?}`."""

    def __init__(self, executor: Executor, store: AuthStore, collection: str) -> None:
        self._executor = executor
        self._store = store
        self._collection = collection

    async def methods(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """The ways to sign in: `{"password", "oauth2", "mfa", "otp"}`."""
        return await self._executor.execute(auth.methods(self._collection, read(RecordOptions, options, keywords)))

    async def with_password(
        self,
        identity: str,
        password: str,
        identity_field: str | None = None,
        mfa_id: str | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> dict[str, Any]:
        """Sign in by e-mail, or another identity field, and password.

        Raises:
            PocketBaseBadRequestError: they do not match.
            PocketBaseUnauthorizedError: a second factor is wanted, and `mfa_id` goes with it.
        """
        settings = read(RecordOptions, options, keywords)
        return await self._sign_in(
            auth.with_password(self._collection, identity, password, identity_field, mfa_id, settings)
        )

    async def request_otp(
        self, email: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> dict[str, Any]:
        """Send a one-time password by e-mail: `{"otpId"}`, also when nobody has the address."""
        settings = read(CommonOptions, options, keywords)
        return await self._executor.execute(auth.request_otp(self._collection, email, settings))

    async def with_otp(
        self,
        otp_id: str,
        password: str,
        mfa_id: str | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> dict[str, Any]:
        """Sign in by a one-time password."""
        settings = read(RecordOptions, options, keywords)
        return await self._sign_in(auth.with_otp(self._collection, otp_id, password, mfa_id, settings))

    async def with_oauth2(
        self,
        payload: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> dict[str, Any]:
        """Sign in by an OAuth2 code: `{"provider", "code", "codeVerifier", "redirectURL", "createData"?}`."""
        settings = read(RecordOptions, options, keywords)
        return await self._sign_in(auth.with_oauth2(self._collection, payload, settings))

    with_OAuth2 = with_oauth2

    async def with_oauth2_browser(
        self,
        provider: str,
        open_url: Callable[[str], Any] = open_browser,
        scopes: Sequence[str] | None = None,
        create_data: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> dict[str, Any]:
        """Sign in by OAuth2 in a browser, which `open_url` (a function or coroutine function) brings to the provider.

        The option `timeout` is the time that the user has, 300 seconds without it.

        Raises:
            ValueError: the collection does not offer the provider.
            PocketBaseTimeoutError: the browser did not come back in time.
        """
        settings = read(RecordOptions, options, keywords)
        patience = PATIENCE if settings.default_timeout else settings.timeout
        payload = await browser_payload(
            self._executor, self._collection, provider, open_url, scopes, create_data, patience
        )
        return await self._sign_in(auth.with_oauth2(self._collection, payload, settings))

    async def refresh(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> dict[str, Any]:
        """A new token for the one in the store, and the record as it is now. Who signs in or out meanwhile stays so."""
        token = self._store.token
        result = await self._executor.execute(auth.refresh(self._collection, read(RecordOptions, options, keywords)))
        if self._store.token == token:
            renew(self._store, result["token"], result["record"])
        return result

    async def impersonate(
        self,
        record_id: str,
        duration: int | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> "PocketBase":
        """A client that acts as this user, for superusers; its token lives `duration` seconds and is never renewed."""
        settings = read(RecordOptions, options, keywords)
        result = await self._executor.execute(auth.impersonate(self._collection, record_id, duration, settings))
        store = AuthStore()
        store.save(result["token"], result["record"])
        client: PocketBase = self._executor.with_auth_store(store)
        return client

    async def request_password_reset(
        self, email: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Send an e-mail with a token for a new password; nothing tells whether somebody has the address."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(auth.request_password_reset(self._collection, email, settings))

    async def confirm_password_reset(
        self,
        token: str,
        password: str,
        password_confirm: str | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Set a new password by the token of the e-mail. All earlier tokens of the user end."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(
            auth.confirm_password_reset(self._collection, token, password, password_confirm, settings)
        )

    async def request_verification(
        self, email: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Send an e-mail with a token that verifies the address."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(auth.request_verification(self._collection, email, settings))

    async def confirm_verification(
        self, token: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Verify an address by the token of the e-mail. If it is the signed-in user's, the store says so too."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(auth.confirm_verification(self._collection, token, settings))
        if self._is_own(token) and self._store.record is not None:
            self._store.save(self._store.token, {**self._store.record, "verified": True})

    async def request_email_change(
        self, new_email: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Send an e-mail with a token to a new address of the signed-in user."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(auth.request_email_change(self._collection, new_email, settings))

    async def confirm_email_change(
        self,
        token: str,
        password: str,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Change the address by the token of the e-mail. It ends the user's tokens: the store is cleared."""
        settings = read(CommonOptions, options, keywords)
        await self._executor.execute(auth.confirm_email_change(self._collection, token, password, settings))
        if self._is_own(token):
            self._store.clear()

    async def list_external_auths(
        self, record_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> list[dict[str, Any]]:
        """The OAuth2 accounts that are linked to a record: `[{"provider", "providerId", …}]`."""
        settings = read(CommonOptions, options, keywords)
        return await all_items(self._executor, lambda number: auth.external_auths(record_id, number, settings))

    async def unlink_external_auth(
        self,
        record_id: str,
        provider: str,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Unlink an OAuth2 account from a record.

        Raises:
            PocketBaseNotFoundError: there is none of this provider.
        """
        settings = read(CommonOptions, options, keywords)
        link_id = await self._executor.execute(auth.external_auth_id(record_id, provider, settings))
        await self._executor.execute(auth.unlink(link_id, settings))

    async def _sign_in(self, call: Call[dict[str, Any]]) -> dict[str, Any]:
        result = await self._executor.execute(call)
        self._store.save(result["token"], result["record"])
        return result

    def _is_own(self, token: str) -> bool:
        """Whether a token out of an e-mail belongs to the record that is signed in."""
        own = self._store.record or {}
        user = user_of(token)
        return None not in user and user == (own.get("collectionId"), own.get("id"))
