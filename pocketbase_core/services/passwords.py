"""Whether a password has to be sent twice."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..api import auth
from ..call import Call, Executor
from ..errors import PocketBaseError
from ..options import Options

T = TypeVar("T")


async def confirmed(executor: Executor, calls: Sequence[tuple[str, Call[T]]], options: Options) -> list[Call[T]]:
    """Add `passwordConfirm` to the bodies that have `password` alone and go to a collection of users.

    `calls` are pairs of a collection and a call to it. Only a collection of users wants a password twice; in any
    other, `passwordConfirm` may be a field of its own, which nobody asked to change. The client does not know the
    type of a collection, so it asks the server, once for each collection that it has to know of.

    Raises:
        PocketBaseError: the server could not be asked.
    """
    are_users: dict[str, bool] = {}
    completed: list[Call[T]] = []
    for collection, call in calls:
        if is_unconfirmed(call):
            if collection not in are_users:
                are_users[collection] = await _has_users(executor, collection, options)
            if are_users[collection]:
                body = {**call.request.body, "passwordConfirm": call.request.body["password"]}
                call = call._replace(request=call.request.replace(body=body))
        completed.append(call)
    return completed


def is_unconfirmed(call: Call[Any]) -> bool:
    """Whether the body has a `password` and no `passwordConfirm`."""
    body: Any = call.request.body
    return isinstance(body, Mapping) and "password" in body and "passwordConfirm" not in body


async def _has_users(executor: Executor, collection: str, options: Options) -> bool:
    """Whether users sign in to this collection, which everybody may ask."""
    question = Options({}, options.headers, options.timeout, options.default_timeout, {})
    try:
        await executor.execute(auth.methods(collection, question))
    except PocketBaseError as error:
        if not 400 <= error.status < 500 or error.status == 429:
            raise
        return False  # 404; where anything else forbids to ask, the server's answer to the write tells what it lacks
    return True
