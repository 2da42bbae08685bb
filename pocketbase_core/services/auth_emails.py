"""The e-mails of one auth collection, and the calls that their tokens are for."""

from typing import Unpack

from ..auth import session
from ..calls.call import Call
from ..calls.options import AuthOptions, OptionsArg, parse_options
from ..endpoints import auth
from ..faces import ServiceMethods, endpoint


class AuthEmails(ServiceMethods):
    """The methods that send an e-mail, or that need the token of one."""

    _collection: str

    @endpoint
    def request_password_reset(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[None]:
        """Send an e-mail with a token for a new password. The server responds alike for unknown addresses.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        return auth.request_password_reset(self._collection, email, parsed)

    @endpoint
    def confirm_password_reset(
        self,
        token: str,
        password: str,
        password_confirm: str | None = None,
        options: OptionsArg = None,
        **keywords: Unpack[AuthOptions],
    ) -> Call[None]:
        """Set a new password with the token of the e-mail.

        The server revokes all tokens of the user. If this is the signed-in user, the auth store is cleared.

        Options: `body`, `params`, `headers`, `timeout`.

        Args:
            token: The token of the e-mail.
            password: The new password.
            password_confirm: The same password again, as the user typed it; by default `password`.
            options: The options as a dict.
            **keywords: The options as keyword arguments.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        call = auth.confirm_password_reset(self._collection, token, password, password_confirm, parsed)
        return call.then(lambda store, _: session.tokens_revoked(store, token))

    @endpoint
    def request_verification(
        self, email: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[None]:
        """Send an e-mail with a token that verifies the address.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        return auth.request_verification(self._collection, email, parsed)

    @endpoint
    def confirm_verification(
        self, token: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[None]:
        """Verify an e-mail address with the token of the e-mail.

        If the address is the signed-in user's, the record in the auth store is marked as verified.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        call = auth.confirm_verification(self._collection, token, parse_options(AuthOptions, options, keywords))
        return call.then(lambda store, _: session.email_verified(store, token))

    @endpoint
    def request_email_change(
        self, new_email: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[None]:
        """Send an e-mail with a token to a new address of the signed-in user.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        return auth.request_email_change(self._collection, new_email, parsed)

    @endpoint
    def confirm_email_change(
        self, token: str, password: str, options: OptionsArg = None, **keywords: Unpack[AuthOptions]
    ) -> Call[None]:
        """Change the e-mail address with the token of the e-mail and the password of the user.

        The server revokes all tokens of the user. If this is the signed-in user, the auth store is cleared.

        Options: `body`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(AuthOptions, options, keywords)
        call = auth.confirm_email_change(self._collection, token, password, parsed)
        return call.then(lambda store, _: session.tokens_revoked(store, token))
