"""The ways to sign in to one auth collection."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ..auth import session
from ..auth.store import AuthStore
from ..calls.call import Call
from ..calls.options import AuthOptions, CommonOptions, OptionsArg, RecordOptions, SignInOptions, parse_options
from ..endpoints import auth
from ..faces import AsyncFace, client_method, endpoint, method
from ..models.decoders import identity
from ..pipeline import Pipeline
from .auth_emails import AuthEmails
from .flows.bound_pipeline import BoundPipeline
from .flows.oauth2_browser import SIGN_IN_TIMEOUT, browser_payload, open_browser
from .flows.pagination import fetch_all

if TYPE_CHECKING:
    from ..client import PocketBase  # the result of `impersonate`; nothing is imported in a circle


class AuthMethods(AuthEmails):
    """The ways to sign in to one auth collection."""

    def __init__(
        self, pipeline: Pipeline, collection: str, with_auth_store: "Callable[[AuthStore], PocketBase]"
    ) -> None:
        super().__init__(pipeline)
        self._with_auth_store = with_auth_store
        self._collection = collection

    def __repr__(self) -> str:
        return f"AuthService({self._collection!r})"

    @endpoint
    def methods(self, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> Call[dict[str, Any]]:
        """Return the ways to sign in: `{"password", "oauth2", "mfa", "otp"}`.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        return auth.methods(self._collection, parse_options(RecordOptions, options, keywords))

    @endpoint
    def with_password(
        self,
        identity: str,
        password: str,
        identity_field: str | None = None,
        mfa_id: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[SignInOptions],
    ) -> Call[dict[str, Any]]:
        """Sign in with an identity and a password.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

        Args:
            identity: The e-mail address, or the value of another identity field of the collection.
            password: The password.
            identity_field: The field to look the identity up in; by default each identity field.
            mfa_id: The `mfa_id` of the error of the first factor, if this is the second one.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            PocketBaseBadRequestError: If no user has this identity and password.
            PocketBaseUnauthorizedError: If a second factor is required. Pass the error's `mfa_id` to it.
        """
        parsed = parse_options(SignInOptions, options, keywords)
        call = auth.with_password(self._collection, identity, password, identity_field, mfa_id, parsed)
        return call.then(_sign_in)

    @endpoint
    def request_otp(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[dict[str, Any]]:
        """Send a one-time password by e-mail, and return `{"otpId"}`, even if no user has the address.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        return auth.request_otp(self._collection, email, parsed)

    @endpoint
    def with_otp(
        self,
        otp_id: str,
        password: str,
        mfa_id: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[SignInOptions],
    ) -> Call[dict[str, Any]]:
        """Sign in with a one-time password.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

        Args:
            otp_id: The `otpId` that `request_otp` returned.
            password: The password from the e-mail.
            mfa_id: The `mfa_id` of the error of the first factor, if this is the second one.
            options: The options as a dict.
            **keywords: The options as keyword arguments.

        Raises:
            PocketBaseBadRequestError: If the password is wrong or has expired.
            PocketBaseUnauthorizedError: If a second factor is required. Pass the error's `mfa_id` to it.
        """
        parsed = parse_options(SignInOptions, options, keywords)
        return auth.with_otp(self._collection, otp_id, password, mfa_id, parsed).then(_sign_in)

    @endpoint
    def with_oauth2(
        self, payload: Mapping[str, Any], options: OptionsArg = None, **keywords: Unpack[SignInOptions]
    ) -> Call[dict[str, Any]]:
        """Sign in with the code of an OAuth2 provider.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

        Args:
            payload: `{"provider", "code", "codeVerifier", "redirectURL", "createData"?}`.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        return auth.with_oauth2(self._collection, payload, parse_options(SignInOptions, options, keywords)).then(
            _sign_in
        )

    with_OAuth2 = with_oauth2

    @method
    async def with_oauth2_browser(
        self,
        provider: str,
        open_url: Callable[[str], Any] = open_browser,
        scopes: Sequence[str] | None = None,
        create_data: Mapping[str, Any] | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[SignInOptions],
    ) -> dict[str, Any]:
        """Sign in with OAuth2 in a browser, whose redirect the server passes on over realtime.

        The option `timeout` limits the sign-in as a whole: the user has that many seconds, 300 by default.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

        Args:
            provider: The name of the provider, such as `google`.
            open_url: A function or coroutine function that opens the provider's page; by default in the web browser.
            scopes: OAuth2 scopes in place of the provider's default ones.
            create_data: Fields of the record, if the sign-in creates one.
            options: The options as a dict. `body` is for the last request.
            **keywords: The options as keyword arguments.

        Raises:
            ValueError: If the collection does not offer the provider.
            PocketBaseTimeoutError: If the browser did not come back in time.
        """
        parsed = parse_options(SignInOptions, options, keywords)
        # What cannot be sent is refused here, before the user signs in for nothing.
        auth.with_oauth2(self._collection, auth.oauth2_payload("any", "any", "any", "any", create_data), parsed)
        time_limit = parsed.timeout_or(SIGN_IN_TIMEOUT)
        bound = BoundPipeline(self._pipeline, parsed)
        payload = await browser_payload(bound, self._collection, provider, open_url, scopes, create_data, time_limit)
        return await bound.execute(auth.with_oauth2(self._collection, payload, parsed).then(_sign_in))

    @endpoint
    def refresh(self, options: OptionsArg = None, **keywords: Unpack[SignInOptions]) -> Call[dict[str, Any]]:
        """Replace the token in the auth store by a new one, and return it with the current record.

        The auth store is left alone if somebody signed in or out in the meantime.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.
        """
        token = self._pipeline.auth_store.token

        def save(store: AuthStore, result: dict[str, Any]) -> None:
            session.refreshed(store, token, result["token"], result["record"])

        return auth.refresh(self._collection, parse_options(SignInOptions, options, keywords)).then(save)

    @client_method
    async def impersonate(
        self,
        record_id: str,
        duration: int | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[SignInOptions],
    ) -> "PocketBase":
        """Return a client that acts as this user, for superusers.

        Options: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

        Args:
            record_id: The id of the user.
            duration: The life of the token in seconds; by default as long as a sign-in's. The token is not refreshed.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(SignInOptions, options, keywords)
        result = await self._pipeline.execute(auth.impersonate(self._collection, record_id, duration, parsed))
        store = AuthStore()
        store.save(result["token"], result["record"])
        return self._with_auth_store(store)

    @method
    async def list_external_auths(
        self, record_id: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> list[dict[str, Any]]:
        """Return the OAuth2 accounts that are linked to a record: `[{"provider", "providerId", …}]`.

        Options: `params`, `headers`, `timeout`.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        return await fetch_all(
            self._pipeline, parsed, lambda number: auth.external_auths(record_id, number, parsed), identity
        )

    @method
    async def unlink_external_auth(
        self, record_id: str, provider: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Unlink an OAuth2 account from a record.

        Options: `params`, `headers`, `timeout`.

        Raises:
            PocketBaseNotFoundError: If no account of this provider is linked.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        bound = BoundPipeline(self._pipeline, parsed)
        link_id = await bound.execute(auth.external_auth_id(record_id, provider, parsed))
        await bound.execute(auth.unlink(link_id, parsed))


class AuthService(AuthMethods, AsyncFace):
    """The ways to sign in to one auth collection.

    Each sign-in returns `{"token", "record", "meta"?}`, and saves the token and the record to the auth store. The
    option `body` has more fields of the request's body, for the hooks of the server.
    """


def _sign_in(store: AuthStore, result: dict[str, Any]) -> None:
    session.signed_in(store, result["token"], result["record"])
