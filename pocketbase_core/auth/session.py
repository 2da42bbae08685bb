"""The signed-in user's record, kept in step with what happens to it."""

from collections.abc import Mapping
from typing import Any

from ..values import json_object
from .store import AuthStore


def is_signed_in(store: AuthStore, collection: str, record_id: object) -> bool:
    """Whether this is the record that is signed in; `collection` is an id or a name."""
    record = store.record or {}
    return record.get("id") == record_id and collection in (record.get("collectionId"), record.get("collectionName"))


def record_changed(store: AuthStore, collection: str, record_id: object, record: Mapping[str, Any]) -> None:
    """Merge the record after a change into the store, if it is the one signed in; `expand` is merged by relation."""
    own = store.record
    if own is not None and is_signed_in(store, collection, record_id):
        expand = {**json_object(own.get("expand")), **json_object(record.get("expand"))}
        store.save(store.token, {**own, **record, **({"expand": expand} if expand else {})})


def record_deleted(store: AuthStore, collection: str, record_id: object) -> None:
    """Clear the store, if the deleted record is the one signed in."""
    if is_signed_in(store, collection, record_id):
        store.clear()
