"""The changes of the auth store after a request that changed the signed-in record, or its tokens.

The request has succeeded when one of these functions is called. So a store that cannot be written raises nothing: the
change is in memory, and the error is logged. Only what is not even in memory is an error of the call.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..messages.json_values import as_object
from .revocation import ends_tokens
from .store import AuthStore, reload_shared, replace_refreshed
from .token import subject

_logger = logging.getLogger("pocketbase_core")


def signed_in(store: AuthStore, token: str, record: Mapping[str, Any]) -> None:
    """Keep the token and the record of a sign-in."""
    with _logging_errors(store, token):
        store.save(token, record)


def refreshed(store: AuthStore, old: str, token: str, record: Mapping[str, Any]) -> None:
    """Keep what `old` was renewed to, unless somebody signed in or out meanwhile, here or in another process."""
    with _logging_errors(store, token):
        replace_refreshed(store, old, token, record)


def record_changed(
    store: AuthStore, collection: str, record_id: object, sent: object, record: Mapping[str, Any]
) -> None:
    """Merge a changed record into the store if it is the signed-in one; `expand` is merged relation by relation.

    `sent` is the body of the update. If the update has ended the tokens of its user, the store is cleared.
    """
    if not _is_signed_in(store, collection, record_id):
        return
    own = store.record or {}
    if ends_tokens(sent, own, record):
        _clear(store)
        return
    expand = {**as_object(own.get("expand")), **as_object(record.get("expand"))}
    refreshed(store, store.token, store.token, {**own, **record, **({"expand": expand} if expand else {})})


def record_deleted(store: AuthStore, collection: str, record_id: object) -> None:
    """Clear the store if the deleted record is the signed-in one."""
    if _is_signed_in(store, collection, record_id):
        _clear(store)


def address_verified(store: AuthStore, emailed: str) -> None:
    """Mark the signed-in record as verified if `emailed`, the token of the e-mail, belongs to it."""
    if _is_signed_in(store, *subject(emailed)):
        refreshed(store, store.token, store.token, {**(store.record or {}), "verified": True})


def tokens_ended(store: AuthStore, emailed: str) -> None:
    """Clear the store if `emailed`, the token of an e-mail, has ended those of the signed-in user."""
    if _is_signed_in(store, *subject(emailed)):
        _clear(store)


def collection_ended(store: AuthStore, *ids_or_names: object) -> None:
    """Clear the store if the signed-in record is, or was, one of a collection whose tokens have all ended."""
    own_id = _own_record(store).get("id")
    if any(_is_signed_in(store, each, own_id) for each in ids_or_names):
        _clear(store)


def _is_signed_in(store: AuthStore, collection: object, record_id: object) -> bool:
    """Return whether this is the signed-in record; `collection` is an id or a name, and None is the id of no record."""
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
    """Return the signed-in record, with the ids of the token where the record has none or was not saved."""
    collection_id, own_id = subject(store.token)
    return {"collectionId": collection_id, "id": own_id, **(store.record or {})}


def _clear(store: AuthStore) -> None:
    with _logging_errors(store, ""):
        store.clear()


@contextmanager
def _logging_errors(store: AuthStore, token: str) -> Generator[None, None, None]:
    before = store.token
    try:
        yield
    except Exception:
        if store.token == before and before != token:
            raise  # the store has refused the change: calls would go out as the wrong user
        _logger.exception("the auth store could not write a change; it is in memory only")
