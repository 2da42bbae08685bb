"""Many changes in one request, all of them or none."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar, Unpack, overload

from ..auth import session
from ..calls.call import Call
from ..calls.options import CommonOptions, RecordOptions, parse_options
from ..endpoints import batch, records
from ..errors import PocketBaseDecodeError
from ..messages.json_values import as_object
from ..models.decoders import Decoder, Record, decode_call, identity, make_decoder
from ..pipeline import Pipeline
from .flows.bound_pipeline import BoundPipeline
from .flows.password_confirmation import PasswordConfirmation

T = TypeVar("T")


class Member(NamedTuple):
    """A call that waits in a batch, and the id of the record to change or delete; None for a new record."""

    call: Call[Any]
    collection: str
    record_id: object


class Batch:
    """A queue of changes, sent by `await send()` or by the end of an `async with` block; `results` has the answers.

    A batch is sent once. If that fails, the queue stays as it was, and can be sent again.
    """

    def __init__(self, pipeline: Pipeline, passwords: PasswordConfirmation) -> None:
        self._pipeline = pipeline
        self._passwords = passwords
        self._sent = False
        self.queue: list[Member] = []
        self.results: list[dict[str, Any]] | None = None

    @overload
    def collection(self, id_or_name: str) -> "BatchRecords[Record]": ...
    @overload
    def collection(self, id_or_name: str, record_type: type[T]) -> "BatchRecords[T]": ...
    def collection(self, id_or_name: str, record_type: type[Any] | None = None) -> "BatchRecords[Any]":
        """Return the records of a collection, as dicts or as `record_type`. Their methods queue changes here."""
        return BatchRecords(self, id_or_name, identity if record_type is None else make_decoder(record_type))

    async def send(
        self, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> list[dict[str, Any]]:
        """Send the batch; return `[{"status", "body"}]`, in the order of the queue.

        If the signed-in record is changed or deleted, the auth store follows.

        Raises:
            PocketBaseBatchError: a member failed, and nothing was changed; `errors` has the errors by index.
            PocketBaseForbiddenError: batches are switched off in the server's settings.
            ValueError: the queue is empty or too long.
            RuntimeError: the batch was sent already.
            PocketBaseDecodeError: all changes were made, but a record has an unexpected form.
        """
        if self._sent:
            raise RuntimeError("this batch was sent already; make a new one")
        self._sent = True
        is_ready = False
        try:
            members, settings = [*self.queue], parse_options(CommonOptions, options, keywords)
            bound = BoundPipeline(self._pipeline, settings)
            calls = await self._passwords.confirm(bound, [(each.collection, each.call) for each in members])
            call = batch.send(calls, settings)
            is_ready = True
            answers = await bound.execute(call)
        except BaseException as error:
            self._sent = is_ready and isinstance(error, PocketBaseDecodeError)
            raise
        self._keep_store_in_step(members, answers)
        self.results = batch.results(calls, answers)
        return self.results

    def _keep_store_in_step(self, members: Sequence[Member], answers: Sequence[batch.SubResponse]) -> None:
        store = self._pipeline.auth_store
        for member, answer in zip(members, answers, strict=True):
            request, record = member.call.request, as_object(answer.body)
            if request.method == "DELETE":
                session.record_deleted(store, member.collection, member.record_id)
            else:
                session.record_changed(store, member.collection, member.record_id, request.body, record)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.send()


class Queued(Generic[T]):
    """A member of a batch."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._index = len(batch.queue)

    @property
    def body(self) -> T:
        """The answer.

        Raises:
            RuntimeError: the batch was not sent yet.
        """
        if self._batch.results is None:
            raise RuntimeError("the batch was not sent yet")
        body: T = self._batch.results[self._index]["body"]
        return body


class BatchRecords(Generic[T]):
    """The records of one collection, whose changes are queued in a batch."""

    def __init__(self, batch: Batch, collection: str, decode: Decoder[T]) -> None:
        self._batch = batch
        self._collection = collection
        self._decode = decode

    def create(
        self, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> Queued[T]:
        """Create a record."""
        return self._add(records.create(self._collection, body, parse_options(RecordOptions, options, keywords)), None)

    def update(
        self,
        record_id: str,
        body: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[RecordOptions],
    ) -> Queued[T]:
        """Change some fields of a record."""
        call = records.update(self._collection, record_id, body, parse_options(RecordOptions, options, keywords))
        return self._add(call, record_id)

    def upsert(
        self, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, **keywords: Unpack[RecordOptions]
    ) -> Queued[T]:
        """Change the record with the body's `id`, or create one if there is none."""
        call = records.upsert(self._collection, body, parse_options(RecordOptions, options, keywords))
        return self._add(call, body.get("id"))

    def delete(
        self, record_id: str, options: Mapping[str, Any] | None = None, **keywords: Unpack[CommonOptions]
    ) -> None:
        """Delete a record."""
        self._queue(
            records.delete(self._collection, record_id, parse_options(CommonOptions, options, keywords)), record_id
        )

    def _add(self, call: Call[Record], record_id: object) -> Queued[T]:
        queued = Queued[T](self._batch)
        self._queue(decode_call(call, self._decode), record_id)
        return queued

    def _queue(self, call: Call[Any], record_id: object) -> None:
        self._batch.queue.append(Member(batch.sub_request(call), self._collection, record_id))
