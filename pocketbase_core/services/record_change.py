"""The change of one record, as a value."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from ..auth import session
from ..auth.store import AuthStore
from ..calls.call import Call
from ..calls.options import Options
from ..models.decoders import Decoder

T = TypeVar("T")


class RecordChange(NamedTuple, Generic[T]):
    """A call that changes one record; `record_id` is None if the record is new."""

    call: Call[Any]
    collection: str
    record_id: object
    decode: Decoder[T]
    options: Options

    def keep_in_step(self, store: AuthStore, record: Mapping[str, Any]) -> None:
        """Change the auth store after the change of its record; `record` is the server's response."""
        request = self.call.request
        if request.method == "DELETE":
            session.record_deleted(store, self.collection, self.record_id)
        else:
            session.record_changed(store, self.collection, self.record_id, request.body, record)
