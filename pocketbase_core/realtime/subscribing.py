"""The types of `Realtime.subscribe`, which takes the topic and the function in either order."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar, Unpack, overload

from ..calls.options import SubscribeOptions
from ..faces import Method, Unsubscribe

R_co = TypeVar("R_co", covariant=True)


class SubscribeToTopic(Protocol[R_co]):
    """The overloads of `subscribe`."""

    @overload
    def __call__(
        self,
        topic: str,
        callback: Callable[[Any], object],
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> R_co: ...
    @overload
    def __call__(
        self,
        callback: Callable[[Any], object],
        topic: str,
        /,
        options: Mapping[str, Any] | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
        **keywords: Unpack[SubscribeOptions],
    ) -> R_co: ...


TopicSubscription = Method[SubscribeToTopic[Coroutine[Any, Any, Unsubscribe]], SubscribeToTopic[Callable[[], None]]]
