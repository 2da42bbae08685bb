"""The changes of the auth store after a request that changed the signed-in record, or revoked its tokens.

Only this module changes the store of the client that sent a request.

Each function is called after its request succeeded. A store that cannot be written therefore raises no error: the
change is in memory, and the error is logged. Only a change that is not even in memory is an error of the call.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..messages.json_values import as_object
from .revocation import revokes_tokens
from .store import AuthStore, reload_shared, replace_refreshed, save_issued
from .token import subject

_logger = logging.getLogger("pocketbase_core")


def signed_in(store: AuthStore, token: str, record: Mapping[str, Any]) -> None:
    """Save the token and the record of a sign-in."""
    with _logging_errors(store, token):
        save_issued(store, token, record)


def refreshed(store: AuthStore, old: str, token: str, record: Mapping[str, Any]) -> None:
    """Replace `old` by the token that it was refreshed to.

    Nothing changes if the user signed out, or somebody signed in, in the meantime, here or in another process.
    """
    with _logging_errors(store, token):
        replace_refreshed(store, old, token, record)


def record_changed(
    store: AuthStore, collection: str, record_id: object, body: object, record: Mapping[str, Any]
) -> None:
    """Merge an updated record into the store if it is the signed-in one.

    If the update revoked the tokens of its user, the store is cleared instead.

    Args:
        store: The store.
        collection: The id or the name of the record's collection.
        record_id: The id of the record.
        body: The body of the update.
        record: The record in the response. Its `expand` is merged relation by relation.
    """
    if not _is_signed_in(store, collection, record_id):
        return
    own = store.record or {}
    if revokes_tokens(body, own, record):
        _clear(store)
        return
    expand = {**as_object(own.get("expand")), **as_object(record.get("expand"))}
    refreshed(store, store.token, store.token, {**own, **record, **({"expand": expand} if expand else {})})


def record_deleted(store: AuthStore, collection: str, record_id: object) -> None:
    """Clear the store if the deleted record is the signed-in one."""
    if _is_signed_in(store, collection, record_id):
        _clear(store)


def email_verified(store: AuthStore, email_token: str) -> None:
    """Mark the signed-in record as verified if the token of the e-mail belongs to it."""
    if _is_signed_in(store, *subject(email_token)):
        refreshed(store, store.token, store.token, {**(store.record or {}), "verified": True})


def tokens_revoked(store: AuthStore, email_token: str) -> None:
    """Clear the store if the token of the e-mail belongs to the signed-in user, whose tokens it revoked."""
    if _is_signed_in(store, *subject(email_token)):
        _clear(store)


def collection_tokens_revoked(store: AuthStore, *ids_or_names: object) -> None:
    """Clear the store if the signed-in record belongs to a collection whose tokens were all revoked.

    Args:
        store: The store.
        ids_or_names: The id, the name, or both. A collection that was deleted counts too.
    """
    own_id = _own_record(store).get("id")
    if any(_is_signed_in(store, each, own_id) for each in ids_or_names):
        _clear(store)


def _is_signed_in(store: AuthStore, collection: object, record_id: object) -> bool:
    """Return whether a record is the signed-in one.

    Args:
        store: The store.
        collection: The id or the name of the record's collection.
        record_id: The id of the record. None is the id of no record.
    """
    if not _is_record_of(store, collection, record_id):
        return False
    reload_shared(store)  # another process may have signed in or out
    return _is_record_of(store, collection, record_id)


def _is_record_of(store: AuthStore, collection: object, record_id: object) -> bool:
    record = _own_record(store)
    own = [str(record.get(key)).lower() for key in ("collectionId", "collectionName") if record.get(key)]
    # The server ignores the case of a name.
    is_of_collection = isinstance(collection, str) and collection.lower() in own
    return is_of_collection and record_id is not None and record_id == record.get("id")


def _own_record(store: AuthStore) -> dict[str, Any]:
    """Return the signed-in record. The token has its ids, in case the record does not, or was not saved."""
    collection_id, own_id = subject(store.token)
    return {"collectionId": collection_id, "id": own_id, **(store.record or {})}


def _clear(store: AuthStore) -> None:
    with _logging_errors(store, ""):
        store.clear()


@contextmanager
def _logging_errors(store: AuthStore, token: str) -> Generator[None, None, None]:
    """Log an error of a change to `token`. Raise it if the store still has the token of before."""
    before = store.token
    try:
        yield
    except Exception:
        if store.token == before and before != token:
            raise  # the store has refused the change: later calls would be sent as the wrong user
        _logger.exception("the auth store could not write a change; it is in memory only")
