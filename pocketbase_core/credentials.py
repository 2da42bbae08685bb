"""The credentials that a client signs in with by itself."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Unpack

from .calls.options import SignInOptions, parse_options
from .endpoints import auth
from .middleware.checks import accepts

if TYPE_CHECKING:
    from .client import PocketBase  # what credentials sign in; nothing is imported in a circle

Credentials = Callable[["PocketBase"], Awaitable[object]]
"""A function that signs a client in."""


class PasswordCredentials:
    """Signs a client in with an identity and a password: `PocketBase(url, credentials=PasswordCredentials(…))`.

    Args:
        collection: The auth collection: `"_superusers"` for superusers.
        identity: The e-mail address, or the value of another identity field of the collection.
        password: The password.
        identity_field: The field to look the identity up in; by default each identity field.
        **options: The options of `with_password`: `expand`, `fields`, `body`, `params`, `headers`, `timeout`.

    Raises:
        PocketBaseInputError: If an argument is not text, or cannot be sent.
        TypeError: If an option is unknown.
    """

    def __init__(
        self,
        collection: str,
        identity: str,
        password: str,
        identity_field: str | None = None,
        **options: Unpack[SignInOptions],
    ) -> None:
        parsed = parse_options(SignInOptions, None, options)
        # Raises what the sign-in would raise.
        auth.with_password(collection, identity, password, identity_field, None, parsed)
        self._collection = collection
        self._identity = identity
        self._password = password
        self._identity_field = identity_field
        self._options = options

    def __repr__(self) -> str:
        return f"PasswordCredentials({self._collection!r}, {self._identity!r})"

    async def __call__(self, client: "PocketBase") -> None:
        """Sign a client in."""
        users = client.collection(self._collection).auth
        await users.with_password(self._identity, self._password, self._identity_field, **self._options)


def check_credentials(credentials: object) -> Any:
    """Return credentials unchanged.

    Raises:
        TypeError: If they are not a function of one argument, the client.
    """
    advice = "write PasswordCredentials(collection, identity, password), or pass `async def sign_in(client)`"
    if not callable(credentials) or isinstance(credentials, type) or not accepts(credentials, 1):
        shown = credentials.__name__ if isinstance(credentials, type) else type(credentials).__name__
        raise TypeError(f"credentials must be a function of one argument, the client, not {shown}; {advice}")
    return credentials


def check_verify_every(seconds: float | None) -> float | None:
    """Return the interval of checks unchanged.

    Raises:
        TypeError: If it is not a number or None.
        ValueError: If it is negative or not a number.
    """
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float))):
        raise TypeError(f"verify_every must be a number of seconds, or None for never, not {type(seconds).__name__}")
    if seconds is not None and not seconds >= 0:
        raise ValueError(f"verify_every must not be negative, but is {seconds!r}; None is never")
    return seconds
