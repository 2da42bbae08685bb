"""Creates, updates and deletes of records, which a service sends alone and a batch together."""

from typing import Any, Generic, TypeVar, Unpack

from ..calls.call import Call
from ..calls.options import CommonOptions, Options, OptionsArg, RecordOptions, parse_options
from ..endpoints import records
from ..faces import endpoint
from ..messages.instances import Body
from ..models.decoders import Decoder, identity
from .record_change import RecordChange

T = TypeVar("T")


class RecordChanges(Generic[T]):
    """The changes of records of one collection."""

    _collection: str
    _decode: Decoder[T]

    def __repr__(self) -> str:
        model = "" if self._decode is identity else f", {getattr(self._decode, '__name__')}"
        return f"{type(self).__name__}({self._collection!r}{model})"

    @endpoint
    def create(self, body: Body, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> RecordChange[T]:
        """Create a record, and return it as the server stored it.

        The body is a dict, or an instance of a dataclass, a pydantic model or a msgspec Struct, whose fields are sent.
        In an auth collection, a `password` without a `passwordConfirm` is sent as both.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(RecordOptions, options, keywords)
        return self._change(records.create(self._collection, body, parsed), None, parsed)

    @endpoint
    def update(
        self, record_id: str, body: Body, options: OptionsArg = None, **keywords: Unpack[RecordOptions]
    ) -> RecordChange[T]:
        """Change some fields of a record, and return the record. If it is the signed-in one, the auth store follows.

        To change only some fields, pass a dict with these, or an instance. The fields of a pydantic model that were not
        set are left out, and those of a msgspec Struct that are `UNSET`; all fields of a dataclass are sent.
        A new password or e-mail address ends all tokens of the user: the auth store is cleared then.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(RecordOptions, options, keywords)
        return self._change(records.update(self._collection, record_id, body, parsed), record_id, parsed)

    @endpoint
    def delete(
        self, record_id: str, options: OptionsArg = None, **keywords: Unpack[CommonOptions]
    ) -> RecordChange[None]:
        """Delete a record. If the record is the signed-in one, the auth store is cleared.

        Options: `params`, `headers`, `timeout`.
        """
        parsed = parse_options(CommonOptions, options, keywords)
        call = records.delete(self._collection, record_id, parsed)
        return RecordChange(call, self._collection, record_id, _nothing, parsed)

    def _change(self, call: Call[Any], record_id: object, options: Options) -> RecordChange[T]:
        return RecordChange(call, self._collection, record_id, self._decode, options)


def _nothing(_: object) -> None:
    return None
