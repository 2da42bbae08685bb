"""The layers that a request passes on its way: functions `async (request, call_next) -> Response`."""

from .chain import Handler, Middleware, chain
from .hooks import AfterSend, BeforeSend
from .logging import Logging
from .retry import Retry

__all__ = ["AfterSend", "BeforeSend", "Handler", "Logging", "Middleware", "Retry", "chain", "default_middleware"]


def default_middleware() -> list[Middleware]:
    """Return the layers of a client that is given none: retries, and inside them a log line for each attempt."""
    return [Retry(), Logging()]
