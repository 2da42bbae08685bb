"""Sends the password of a new user a second time, as `passwordConfirm`, where the server requires that."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ...auth.store import SUPERUSERS
from ...calls.call import Call
from ...calls.options import CommonOptions, parse_options
from ...endpoints import auth
from ...errors import PocketBaseError
from .bound_pipeline import BoundPipeline

T = TypeVar("T")


class PasswordConfirmation:
    """Adds `passwordConfirm` to the bodies for auth collections, and remembers which collections these are.

    Only an auth collection requires a password twice; in any other, `passwordConfirm` may be a field of its own, which
    must not be changed. Every server has the auth collections `users` and `_superusers`. For any other collection, the
    client asks the server before each write, until the server has confirmed that it is an auth collection.
    """

    def __init__(self) -> None:
        self._auth_collections = {"users", SUPERUSERS}

    async def confirm(self, bound: BoundPipeline, calls: Sequence[tuple[str, Call[T]]]) -> list[Call[T]]:
        """Return the calls with their passwords confirmed.

        Args:
            bound: Sends the requests that ask for the type of a collection.
            calls: Pairs of a collection and a call to it.

        Raises:
            PocketBaseError: If the server could not be asked.
        """
        is_auth: dict[str, bool] = {}
        confirmed: list[Call[T]] = []
        for collection, call in calls:
            if is_unconfirmed(call):
                if collection not in is_auth:
                    is_auth[collection] = await self._is_auth(bound, collection)
                if is_auth[collection]:
                    body = {**call.request.body, "passwordConfirm": call.request.body["password"]}
                    call = call._replace(request=call.request.replace(body=body))
            confirmed.append(call)
        return confirmed

    async def _is_auth(self, bound: BoundPipeline, collection: str) -> bool:
        if collection in self._auth_collections:
            return True
        try:
            await bound.execute(auth.methods(collection, parse_options(CommonOptions, None, {})))
        except PocketBaseError as error:
            if not 400 <= error.status < 500 or error.status == 429:
                raise
            # 404: not an auth collection. After any other refusal, the server's response to the write tells the reason.
            return False
        self._auth_collections.add(collection)
        return True


def is_unconfirmed(call: Call[Any]) -> bool:
    """Return whether the body has a `password` and no `passwordConfirm`."""
    body: Any = call.request.body
    return isinstance(body, Mapping) and "password" in body and "passwordConfirm" not in body
