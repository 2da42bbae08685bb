"""The result of a change that waits in a batch."""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class HasResults(Protocol):
    """A batch, as far as its members need it."""

    results: list[dict[str, Any]] | None

    @property
    def queue(self) -> Sequence[object]:
        """The changes that were queued so far."""
        ...


class Queued(Generic[T]):
    """A change in the queue of a batch; `body` is its result once the batch was sent."""

    def __init__(self, batch: HasResults) -> None:
        self._batch = batch
        self._index = len(batch.queue)

    def __repr__(self) -> str:
        return f"Queued({self._index}, {'waiting' if self._batch.results is None else 'sent'})"

    @property
    def body(self) -> T:
        """The record as the server stored it, None for a delete.

        Raises:
            RuntimeError: If the batch was not sent yet.
        """
        if self._batch.results is None:
            raise RuntimeError("the batch was not sent yet")
        body: T = self._batch.results[self._index]["body"]
        return body
