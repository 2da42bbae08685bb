"""The errors of requests, and of values that cannot be sent.

PocketBaseError                     any other status outside 2xx
├ PocketBaseBadRequestError         400
│ └ PocketBaseBatchError            400 of a batch, with an error for each request that failed
├ PocketBaseUnauthorizedError       401
│ └ PocketBaseSessionExpiredError   the token has expired or was revoked. Nothing was sent
├ PocketBaseForbiddenError          403
├ PocketBaseNotFoundError           404
├ PocketBaseRateLimitError          429
├ PocketBaseServerError             5xx
├ PocketBaseDecodeError             a success with an unexpected body
└ PocketBaseTransportError          no complete response; status 0
  ├ PocketBaseConnectionError       no connection, or a connection that broke
  └ PocketBaseTimeoutError          the timeout expired

PocketBaseInputError                a ValueError: a value that cannot be sent. Nothing was sent
└ PocketBaseInputTypeError          also a TypeError: a value of a type that cannot be sent

A wrong use of the library, such as an unknown option, is an ordinary TypeError or ValueError.
"""

from collections.abc import Mapping
from typing import Any

from .error_texts import field_messages, in_one_line, reason_phrase, redirect_hint, server_message
from .input_errors import PocketBaseInputError, PocketBaseInputTypeError
from .messages import Response
from .messages.json_values import as_object
from .peer_names import AnswersPeerNames

__all__ = [
    "PocketBaseBadRequestError",
    "PocketBaseBatchError",
    "PocketBaseConnectionError",
    "PocketBaseDecodeError",
    "PocketBaseError",
    "PocketBaseForbiddenError",
    "PocketBaseInputError",
    "PocketBaseInputTypeError",
    "PocketBaseNotFoundError",
    "PocketBaseRateLimitError",
    "PocketBaseServerError",
    "PocketBaseSessionExpiredError",
    "PocketBaseTimeoutError",
    "PocketBaseTransportError",
    "PocketBaseUnauthorizedError",
]

_MAX_MEMBERS = 5  # failed requests that the description of a batch contains


class PocketBaseError(AnswersPeerNames, Exception):
    """A request that failed: the base class of all errors, and the error of a status without a class of its own.

    `type(error)(*error.args)` returns an equal error, and JSON can represent `args`. Task queues such as Celery rely on
    both.

    Args:
        url: The URL of the request.
        status: The HTTP status; 0 without a response.
        data: The decoded body of the response.
        message: A description. The default is the server's message, else the reason phrase of the status.
        *more: The further `args` of a subclass.
    """

    def __init__(
        self, url: str = "", status: int = 0, data: Mapping[str, Any] | None = None, message: str = "", *more: Any
    ) -> None:
        self.url: str = url.partition("?")[0]
        """The URL of the request without its query, which may contain tokens."""
        self.status = status
        """The HTTP status; 0 without a response."""
        self.data: dict[str, Any] = dict(data or {})
        """The JSON object of the response; `{}` if its body was something else."""
        super().__init__(
            self.url, status, self.data, message or server_message(self.data) or reason_phrase(status), *more
        )

    @property
    def message(self) -> str:
        """The server's message, or a description by this library."""
        text: str = self.args[3]
        return text

    @message.setter
    def message(self, text: str) -> None:
        self.args = (*self.args[:3], text, *self.args[4:])

    @property
    def field_errors(self) -> dict[str, Any]:
        """The server's errors by field: `{"email": {"code": …, "message": …}}`."""
        return dict(as_object(self.data.get("data")))

    def __str__(self) -> str:
        return _summary(self) + (f" [{in_one_line(self.url)}]" if self.url else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_summary(self)!r}, url={in_one_line(self.url)!r})"


class PocketBaseBadRequestError(PocketBaseError):
    """The server rejected the data of a request (400). `field_errors` has the reason for each field."""


class PocketBaseBatchError(PocketBaseBadRequestError):
    """A request of a batch failed, and the server has made none of the batch's changes (400).

    Args:
        url: The URL of the batch.
        status: The HTTP status of the batch.
        data: The decoded body of the response.
        message: A description.
        urls: The URLs of the requests of the batch by their index as text. Only those that failed are kept.
    """

    def __init__(
        self,
        url: str = "",
        status: int = 0,
        data: Mapping[str, Any] | None = None,
        message: str = "",
        urls: Mapping[str, str] | None = None,
    ) -> None:
        failed = as_object(as_object((data or {}).get("data")).get("requests"))
        urls = {index: url.partition("?")[0] for index, url in (urls or {}).items() if index in failed}
        super().__init__(url, status, data, message, urls)
        self.errors: dict[int, PocketBaseError] = {}
        """The errors of the requests that failed, by their index in the batch."""
        for index, failed_url in urls.items():
            response = as_object(as_object(failed[index]).get("response"))
            code = response.get("status")
            code = code if type(code) is int else 400
            self.errors[int(index)] = _class_of(code)(failed_url, code, response)


class PocketBaseUnauthorizedError(PocketBaseError):
    """The request has no valid token, or the sign-in requires a second factor, see `mfa_id` (401)."""

    @property
    def mfa_id(self) -> str | None:
        """The id to pass as `mfa_id` to the second sign-in method; None if no second factor is required."""
        return self.data.get("mfaId")


class PocketBaseSessionExpiredError(PocketBaseUnauthorizedError):
    """The token has expired or was revoked, and there are no credentials to sign in with. Nothing was sent.

    Sign in again. PocketBase would handle the request as a guest's.
    """


class PocketBaseForbiddenError(PocketBaseError):
    """This user must not make this request (403)."""


class PocketBaseNotFoundError(PocketBaseError):
    """The record, file or route does not exist, or this user is not allowed to see it (404)."""


class _WithRetryAfter(PocketBaseError):
    """An error whose response may have a Retry-After header (RFC 9110, 10.2.3)."""

    def __init__(
        self,
        url: str = "",
        status: int = 0,
        data: Mapping[str, Any] | None = None,
        message: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(url, status, data, message, retry_after)
        self.retry_after = retry_after
        """The seconds to wait before another attempt, by the Retry-After header; None without this header."""


class PocketBaseRateLimitError(_WithRetryAfter):
    """The client has sent too many requests (429)."""


class PocketBaseServerError(_WithRetryAfter):
    """The server, or a proxy in front of it, failed (5xx)."""


class PocketBaseDecodeError(PocketBaseError):
    """The response is a success, but its body is not what was expected: HTML, invalid JSON, or JSON of another shape.

    The server may have made the change that the request asked for.
    """


class PocketBaseTransportError(PocketBaseError):
    """The server returned no complete response. The status is 0."""

    def __init__(
        self,
        url: str = "",
        status: int = 0,
        data: Mapping[str, Any] | None = None,
        message: str = "",
        request_sent: bool | None = None,
    ) -> None:
        super().__init__(url, status, data, message, request_sent)
        self.request_sent = request_sent
        """True if the response had begun, False if the server certainly received no request, None if unknown."""


class PocketBaseConnectionError(PocketBaseTransportError):
    """The connection could not be made, or it broke."""


class PocketBaseTimeoutError(PocketBaseTransportError):
    """The timeout expired before the response was complete."""


_BY_STATUS: dict[int, type[PocketBaseError]] = {
    400: PocketBaseBadRequestError,
    401: PocketBaseUnauthorizedError,
    403: PocketBaseForbiddenError,
    404: PocketBaseNotFoundError,
    429: PocketBaseRateLimitError,
}


def error_from_response(response: Response) -> PocketBaseError:
    """Return the error for a response outside 2xx. Never raises, whatever the body contains."""
    status, data = response.status_code, _object(response)
    message = server_message(data) or redirect_hint(response)
    error_class = _class_of(status)
    if issubclass(error_class, _WithRetryAfter):
        return error_class(response.url, status, data, message, response.retry_after())
    return error_class(response.url, status, data, message)


def _class_of(status: int) -> type[PocketBaseError]:
    return _BY_STATUS.get(status, PocketBaseServerError if status >= 500 else PocketBaseError)


def log_text(error: BaseException) -> str:
    """Return the type and the reason of an error for a log, in one line and without the URL."""
    text = _summary(error) if isinstance(error, PocketBaseError) else str(error)
    return in_one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _summary(error: PocketBaseError) -> str:
    """Return the status, the message and the details of an error in one line."""
    members = error.errors if isinstance(error, PocketBaseBatchError) else {}
    details = [f"errors[{index}]: {member}" for index, member in [*members.items()][:_MAX_MEMBERS]]
    details += [f"and {len(members) - _MAX_MEMBERS} more"] if len(members) > _MAX_MEMBERS else []
    details = details or [*field_messages(error.field_errors)]
    parts = [str(error.status) if error.status else "", error.message, f"({'; '.join(details)})" if details else ""]
    return in_one_line(" ".join(filter(None, parts)))


def response_from_error(error: PocketBaseError) -> Response:
    """Return the response that a port raised this error for, rebuilt from the error, because middleware expects one."""
    seconds = error.retry_after if isinstance(error, _WithRetryAfter) else None
    headers = {} if seconds is None else {"Retry-After": f"{seconds:.3f}"}
    if not error.data:
        return Response(error.status, headers, url=error.url)
    return Response(error.status, headers, url=error.url, json=error.data)


def is_rejection(error: BaseException) -> bool:
    """Return whether the server has rejected a request for good: with a 4xx other than 408 and 429."""
    return isinstance(error, PocketBaseError) and 400 <= error.status < 500 and error.status not in (408, 429)


def unexpected_response(response: Response, expected: str, advice: str | None = None) -> PocketBaseDecodeError:
    """Return the error for a success whose body is not what was expected."""
    content_type = response.headers.get("Content-Type", "no Content-Type")
    message = f"expected {expected}, got {len(response.content)} bytes of {content_type!r:.80}"
    if advice is None and "html" in content_type.lower():
        advice = "is PocketBase at the base URL?"
    message += f"; {advice}" if advice else ""
    return PocketBaseDecodeError(response.url, response.status_code, message=message)


def not_event_stream(response: Response) -> PocketBaseError:
    """Return the error for a response that is not an event stream."""
    if 200 <= response.status_code < 300:
        return unexpected_response(response, "an event stream")
    return error_from_response(response)


def _object(response: Response) -> dict[str, Any]:
    try:
        return as_object(response.json())
    except (ValueError, RecursionError):
        return {}
