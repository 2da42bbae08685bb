"""Sign-ins to one auth collection."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ..auth import session
from ..auth.store import AuthStore
from ..calls.call import Call
from ..calls.options import CommonOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import auth
from ..models.decoders import identity
from ..pipeline import Pipeline
from .faces import AsyncFace, endpoint
from .flows.bound_pipeline import BoundPipeline
from .flows.oauth2_browser import SIGN_IN_TIMEOUT, browser_payload, open_browser
from .flows.pagination import fetch_all

if TYPE_CHECKING:
    from ..client import PocketBase


class AuthService(AsyncFace):
    """The sign-ins of one auth collection. Each fills the auth store and returns `{"token", "record", "meta"?}`."""

    def __init__(
        self, pipeline: Pipeline, collection: str, with_auth_store: "Callable[[AuthStore], PocketBase]"
    ) -> None:
        super().__init__(pipeline)
        self._with_auth_store = with_auth_store
        self._collection = collection

    @endpoint
    def methods(self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[dict[str, Any]]:
        """Return the ways to sign in: `{"password", "oauth2", "mfa", "otp"}`."""
        return auth.methods(self._collection, parse_options(RecordOptions, options, keywords))

    @endpoint
    def with_password(
        self,
        identity: str,
        password: str,
        identity_field: str | None = None,
        mfa_id: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> Call[dict[str, Any]]:
        """Sign in with e-mail, or another identity field, and password.

        Raises:
            PocketBaseBadRequestError: no user has this identity and password.
            PocketBaseUnauthorizedError: a second factor is needed; pass it the error's `mfa_id`.
        """
        parsed = parse_options(RecordOptions, options, keywords)
        call = auth.with_password(self._collection, identity, password, identity_field, mfa_id, parsed)
        return call.then(_sign_in)

    @endpoint
    def request_otp(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[dict[str, Any]]:
        """Send a one-time password by e-mail: `{"otpId"}`, also when nobody has the address."""
        settings = parse_options(CommonOptions, options, keywords)
        return auth.request_otp(self._collection, email, settings)

    @endpoint
    def with_otp(
        self,
        otp_id: str,
        password: str,
        mfa_id: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> Call[dict[str, Any]]:
        """Sign in with a one-time password."""
        parsed = parse_options(RecordOptions, options, keywords)
        return auth.with_otp(self._collection, otp_id, password, mfa_id, parsed).then(_sign_in)

    @endpoint
    def with_oauth2(
        self,
        payload: Mapping[str, Any],
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> Call[dict[str, Any]]:
        """Sign in with an OAuth2 code: `{"provider", "code", "codeVerifier", "redirectURL", "createData"?}`."""
        return auth.with_oauth2(self._collection, payload, parse_options(RecordOptions, options, keywords)).then(
            _sign_in
        )

    with_OAuth2 = with_oauth2

    async def with_oauth2_browser(
        self,
        provider: str,
        open_url: Callable[[str], Any] = open_browser,
        scopes: Sequence[str] | None = None,
        create_data: Mapping[str, Any] | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> dict[str, Any]:
        """Sign in with OAuth2 in a browser. `open_url`, a function or coroutine function, opens the provider's page.

        The option `timeout` limits the sign-in as a whole, so the user has that many seconds; by default, 300.

        Raises:
            ValueError: the collection does not offer the provider.
            PocketBaseTimeoutError: the browser did not come back in time.
        """
        settings = parse_options(RecordOptions, options, keywords)
        patience = settings.timeout_or(SIGN_IN_TIMEOUT)
        bound = BoundPipeline(self._pipeline, settings)
        payload = await browser_payload(bound, self._collection, provider, open_url, scopes, create_data, patience)
        return await bound.execute(auth.with_oauth2(self._collection, payload, settings).then(_sign_in))

    @endpoint
    def refresh(self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[dict[str, Any]]:
        """Refresh the token, and read the record again. A sign-in or sign-out in the meantime stays in effect."""
        token = self._pipeline.auth_store.token

        def save(store: AuthStore, result: dict[str, Any]) -> None:
            session.refreshed(store, token, result["token"], result["record"])

        return auth.refresh(self._collection, parse_options(RecordOptions, options, keywords)).then(save)

    async def impersonate(
        self,
        record_id: str,
        duration: int | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[RecordOptions],
    ) -> "PocketBase":
        """Return a client that acts as this user, for superusers.

        Args:
            record_id: The id of the user.
            duration: The life of the token in seconds; by default as long as a sign-in's. The token is not refreshed.
        """
        settings = parse_options(RecordOptions, options, keywords)
        result = await self._pipeline.execute(auth.impersonate(self._collection, record_id, duration, settings))
        store = AuthStore()
        store.save(result["token"], result["record"])
        return self._with_auth_store(store)

    @endpoint
    def request_password_reset(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[None]:
        """Send an e-mail with a token for a new password. The server answers alike for unknown addresses."""
        settings = parse_options(CommonOptions, options, keywords)
        return auth.request_password_reset(self._collection, email, settings)

    @endpoint
    def confirm_password_reset(
        self,
        token: str,
        password: str,
        password_confirm: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Set a new password with the token of the e-mail.

        The new password ends all tokens of the user: if that is the signed-in user, the store is cleared.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        call = auth.confirm_password_reset(self._collection, token, password, password_confirm, parsed)
        return call.then(lambda store, _: session.tokens_revoked(store, token))

    @endpoint
    def request_verification(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[None]:
        """Send an e-mail with a token that verifies the address."""
        settings = parse_options(CommonOptions, options, keywords)
        return auth.request_verification(self._collection, email, settings)

    @endpoint
    def confirm_verification(
        self, token: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[None]:
        """Verify an address with the token of the e-mail. The store follows if the address is the signed-in user's."""
        call = auth.confirm_verification(self._collection, token, parse_options(CommonOptions, options, keywords))
        return call.then(lambda store, _: session.email_verified(store, token))

    @endpoint
    def request_email_change(
        self, new_email: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> Call[None]:
        """Send an e-mail with a token to a new address of the signed-in user."""
        settings = parse_options(CommonOptions, options, keywords)
        return auth.request_email_change(self._collection, new_email, settings)

    @endpoint
    def confirm_email_change(
        self,
        token: str,
        password: str,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> Call[None]:
        """Change the address with the token of the e-mail.

        The new address ends all tokens of the user: if that is the signed-in user, the store is cleared.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        call = auth.confirm_email_change(self._collection, token, password, parsed)
        return call.then(lambda store, _: session.tokens_revoked(store, token))

    async def list_external_auths(
        self, record_id: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> list[dict[str, Any]]:
        """Return the OAuth2 accounts that are linked to a record: `[{"provider", "providerId", …}]`."""
        settings = parse_options(CommonOptions, options, keywords)
        return await fetch_all(
            self._pipeline, settings, lambda number: auth.external_auths(record_id, number, settings), identity
        )

    async def unlink_external_auth(
        self,
        record_id: str,
        provider: str,
        options: OptionsArg = None,
        **keywords: Unpack[CommonOptions],
    ) -> None:
        """Unlink an OAuth2 account from a record.

        Raises:
            PocketBaseNotFoundError: no account of this provider is linked.
        """
        settings = parse_options(CommonOptions, options, keywords)
        bound = BoundPipeline(self._pipeline, settings)
        link_id = await bound.execute(auth.external_auth_id(record_id, provider, settings))
        await bound.execute(auth.unlink(link_id, settings))


def _sign_in(store: AuthStore, result: dict[str, Any]) -> None:
    session.signed_in(store, result["token"], result["record"])
