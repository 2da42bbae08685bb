"""Many changes in one request, all of them or none."""

from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from ..calls.options import CommonOptions, OptionsArg, RecordOptions, parse_options
from ..endpoints import batch, records
from ..errors import PocketBaseDecodeError
from ..faces import AsyncFace, BatchFace, ServiceMethods, endpoint, method
from ..messages.instances import Body
from ..messages.json_values import as_object
from ..models.decoders import Decoder, Record, decode_call, identity, make_decoder
from ..peer_names import AnswersPeerNames
from ..pipeline import Pipeline
from .changes import RecordChanges
from .flows.bound_pipeline import BoundPipeline
from .flows.password_confirmation import PasswordConfirmation
from .queued import Queued
from .record_change import RecordChange

S = TypeVar("S")
T = TypeVar("T")


class BatchMethods(ServiceMethods):
    """A queue of changes."""

    def __init__(self, pipeline: Pipeline, passwords: PasswordConfirmation) -> None:
        super().__init__(pipeline)
        self._passwords = passwords
        self._sent = False
        self.queue: list[RecordChange[Any]] = []
        self.results: list[dict[str, Any]] | None = None

    def __repr__(self) -> str:
        count = len(self.queue)
        return f"Batch({count} change{'' if count == 1 else 's'})"

    @overload
    def collection(self, id_or_name: str) -> "BatchRecords[Record]": ...
    @overload
    def collection(self, id_or_name: str, record_type: type[T]) -> "BatchRecords[T]": ...
    def collection(self, id_or_name: str, record_type: type[Any] | None = None) -> "BatchRecords[Any]":
        """Return the records of a collection, whose methods queue changes here; see `PocketBase.collection`."""
        return BatchRecords(self, id_or_name, identity if record_type is None else make_decoder(record_type))

    @method
    async def send(self, options: OptionsArg = None, **keywords: Unpack[CommonOptions]) -> list[dict[str, Any]]:
        """Send the batch, and return `[{"status", "body"}]` in the order of the queue.

        If the signed-in record is changed or deleted, the auth store follows.

        Options: `params`, `headers`, `timeout`.

        Raises:
            PocketBaseBatchError: If a change failed. Nothing was changed; `errors` has the errors by index.
            PocketBaseForbiddenError: If batches are disabled in the server's settings.
            ValueError: If the queue is empty or too long.
            RuntimeError: If the batch was sent already.
            PocketBaseDecodeError: If a record is not valid for its class. All changes were made.
        """
        if self._sent:
            raise RuntimeError("this batch was sent already; make a new one")
        self._sent = True
        is_ready = False
        try:
            changes, settings = [*self.queue], parse_options(CommonOptions, options, keywords)
            bound = BoundPipeline(self._pipeline, settings)
            calls = await self._passwords.confirm(bound, [(each.collection, each.call) for each in changes])
            call = batch.send(calls, settings)
            is_ready = True
            responses = await bound.execute(call)
        except BaseException as error:
            self._sent = is_ready and isinstance(error, PocketBaseDecodeError)
            raise
        for change, response in zip(changes, responses, strict=True):
            change.keep_in_step(bound.auth_store, as_object(response.body))
        self.results = batch.results(calls, responses)
        return self.results


class Batch(BatchMethods, AsyncFace):
    """A queue of changes, sent by `await send()` or at the end of an `async with` block; `results` has the results.

    A batch is sent once. If sending fails, the queue is unchanged, and can be sent again.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.send()


class BatchRecords(RecordChanges[T], BatchFace, AnswersPeerNames):
    """The records of one collection, whose changes are queued in a batch."""

    def __init__(self, batch: BatchMethods, collection: str, decode: Decoder[T]) -> None:
        self._batch = batch
        self._collection = collection
        self._decode = decode

    @endpoint
    def upsert(self, body: Body, options: OptionsArg = None, **keywords: Unpack[RecordOptions]) -> RecordChange[T]:
        """Change the record with the body's `id`, or create a record if there is none.

        Options: `expand`, `fields`, `params`, `headers`, `timeout`.
        """
        parsed = parse_options(RecordOptions, options, keywords)
        call = records.upsert(self._collection, body, parsed)
        return self._change(call, call.request.body.get("id"), parsed)

    def _queue(self, change: RecordChange[S]) -> Queued[S]:
        call = batch.sub_request(decode_call(change.call, change.decode))
        queued = Queued[S](self._batch)
        self._batch.queue.append(change._replace(call=call))
        return queued
