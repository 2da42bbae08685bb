"""The middleware that a request passes through: functions `async (request, call_next) -> Response`."""

from .chain import Handler, Middleware, chain
from .hooks import AfterSend, BeforeSend
from .logging import Logging
from .retry import Retry

__all__ = ["AfterSend", "BeforeSend", "Handler", "Logging", "Middleware", "Retry", "chain", "default_middleware"]


def default_middleware() -> list[Middleware]:
    """Return the middleware of a client without `middleware=`: retries, and a log line for each attempt of these."""
    return [Retry(), Logging()]
