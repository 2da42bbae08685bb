"""Middleware that writes a log line for each attempt."""

import logging
import time
from collections.abc import Awaitable
from urllib.parse import urlsplit

from ..errors import PocketBaseError, log_text
from ..messages import Request, Response
from .chain import Handler


class Logging:
    """Middleware that logs the method, path, status and milliseconds of each request.

    It logs nothing that could be a secret: no query, no header and no body. In place of a status, a request that fails
    has the name of its error, with the reason for a `PocketBaseError`, or "cancelled".

    Args:
        logger: A logger, or its name.
        level: The level of the log lines.
    """

    def __init__(self, logger: str | logging.Logger = "pocketbase_core", level: int = logging.DEBUG) -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._level = level

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Send the request, and log its outcome."""
        return self._log(request, call_next) if self._logger.isEnabledFor(self._level) else call_next(request)

    async def _log(self, request: Request, call_next: Handler) -> Response:
        started = time.perf_counter()
        outcome: object = "cancelled"
        try:
            response = await call_next(request)
            outcome = response.status_code
            return response
        except Exception as error:
            outcome = f"({log_text(error)})" if isinstance(error, PocketBaseError) else type(error).__name__
            raise
        finally:
            elapsed = (time.perf_counter() - started) * 1000
            path = urlsplit(request.url).path
            self._logger.log(self._level, "%s %s %s %.1f ms", request.method, path, outcome, elapsed)
