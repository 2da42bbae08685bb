"""One call to the API, as a value."""

from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from ..auth.store import AuthStore
from ..messages import Request, Response

S = TypeVar("S")
T = TypeVar("T")


class ClientDefault(Enum):
    """The type of `USE_CLIENT_DEFAULT`."""

    USE_CLIENT_DEFAULT = "the timeout of the client"


USE_CLIENT_DEFAULT: Final = ClientDefault.USE_CLIENT_DEFAULT
"""The timeout of a call whose caller gave none; None is a caller's "no limit"."""

Timeout = float | None | Literal[ClientDefault.USE_CLIENT_DEFAULT]


def timeout_or(timeout: Timeout, default: float | None) -> float | None:
    """Return the caller's timeout in seconds (None: no limit), or `default` if the caller gave none."""
    return default if timeout is USE_CLIENT_DEFAULT else timeout


class Call(NamedTuple, Generic[T]):
    """A request, whose URL is relative to the server, and the parser of its response.

    `timeout` takes the place of the request's. Without `retries`, the middleware `Retry` is left out. After a success,
    `effect` is called with the auth store of the user and the parsed response.
    """

    request: Request
    parse: Callable[[Response], T]
    timeout: Timeout = USE_CLIENT_DEFAULT
    retries: bool = True
    effect: Callable[[AuthStore, T], None] | None = None

    def with_parser(self, parse: Callable[[Response], S]) -> "Call[S]":
        """Return the call with another parser of its response, and without an effect."""
        return Call(self.request, parse, self.timeout, self.retries)

    def then(self, effect: Callable[[AuthStore, T], None]) -> "Call[T]":
        """Return the call with an effect on the auth store."""
        return self._replace(effect=effect)

    def without_retries(self) -> "Call[T]":
        """Return the call for a caller that repeats it by itself."""
        return self._replace(retries=False)
