"""Passwords that the server wants twice."""

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
    """The auth collections that a client knows, whose passwords it sends as `passwordConfirm` too.

    Only an auth collection wants a password twice; in any other, `passwordConfirm` may be a field of its own, which
    nobody asked to change. `users` and `_superusers` are auth collections, with which every server begins. For any
    other collection, the client asks the server before each write, until the answer is that it is an auth collection.
    """

    def __init__(self) -> None:
        self._auth_collections = {"users", SUPERUSERS}

    async def confirm(self, bound: BoundPipeline, calls: Sequence[tuple[str, Call[T]]]) -> list[Call[T]]:
        """Return the calls, with passwords confirmed; `calls` are pairs of a collection and a call to it.

        Raises:
            PocketBaseError: the server could not be asked.
        """
        asked: dict[str, bool] = {}
        confirmed: list[Call[T]] = []
        for collection, call in calls:
            if is_unconfirmed(call):
                if collection not in asked:
                    asked[collection] = await self._is_auth(bound, collection)
                if asked[collection]:
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
            # 404 is any other collection. After another refusal, the server's answer to the write tells the reason.
            return False
        self._auth_collections.add(collection)
        return True


def is_unconfirmed(call: Call[Any]) -> bool:
    """Return whether the body has a `password` and no `passwordConfirm`."""
    body: Any = call.request.body
    return isinstance(body, Mapping) and "password" in body and "passwordConfirm" not in body
