"""The two ways to pass a topic and a function to `subscribe`."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, Unpack, overload

from ..calls.options import OptionsArg, SubscribeOptions
from ..faces import Method, Unsubscribe
from ..models.decoders import RecordEvent

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
RecordCallback = Callable[[RecordEvent[T]], object] | Callable[[dict[str, Any]], object]
"""A function that is called with each event of a subscription."""


class SubscribeToRecord(Protocol[T, R_co]):
    """The types of `RecordService.subscribe`."""

    @overload
    def __call__(
        self,
        callback: RecordCallback[T],
        record_id: str,
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> R_co: ...
    @overload
    def __call__(
        self,
        record_id: str,
        callback: RecordCallback[T],
        /,
        options: OptionsArg = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> R_co: ...


RecordSubscription = Method[
    SubscribeToRecord[T, Coroutine[Any, Any, Unsubscribe]], SubscribeToRecord[T, Callable[[], None]]
]
