"""Keep the auth store in step with what happens to the record that is signed in."""

from collections.abc import Mapping
from typing import Any

from ..values import json_object
from .revocation import ends_tokens
from .store import AuthStore, storing


def is_signed_in(store: AuthStore, collection: str, record_id: object) -> bool:
    """Return whether this is the record that is signed in; `collection` is an id or a name."""
    record = store.record or {}
    return record.get("id") == record_id and collection in (record.get("collectionId"), record.get("collectionName"))


def record_changed(
    store: AuthStore, collection: str, record_id: object, sent: object, record: Mapping[str, Any]
) -> None:
    """Merge a changed record into the store, if it is the one signed in; `expand` is merged relation by relation.

    `sent` is the body of the update. If the update has ended the tokens of its user, the store is cleared.
    """
    own = store.record
    if own is None or not is_signed_in(store, collection, record_id):
        return
    with storing():
        if ends_tokens(sent, own, record):
            store.clear()
        else:
            expand = {**json_object(own.get("expand")), **json_object(record.get("expand"))}
            store.save(store.token, {**own, **record, **({"expand": expand} if expand else {})})


def record_deleted(store: AuthStore, collection: str, record_id: object) -> None:
    """Clear the store, if the deleted record is the one signed in."""
    if is_signed_in(store, collection, record_id):
        with storing():
            store.clear()
