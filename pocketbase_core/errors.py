"""Every error this library raises about a request.

* PocketBaseError
  x PocketBaseBadRequestError        400
    + PocketBaseBatchError           400, one error for each member that failed
  x PocketBaseUnauthorizedError      401
  x PocketBaseForbiddenError         403
  x PocketBaseNotFoundError          404
  x PocketBaseRateLimitError         429
  x PocketBaseServerError            5xx
  x PocketBaseDecodeError            a 2xx response with an unexpected body
  x PocketBaseTransportError         no answer, status 0
    + PocketBaseConnectionError
    + PocketBaseTimeoutError

Wrong arguments are `ValueError` and `TypeError`, raised before anything is sent.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .messages import Response
from .messages.json_values import as_object


class PocketBaseError(Exception):
    """A request that failed.

    `url` comes without its query, which may hold tokens. `status` is the HTTP status, 0 when there was no answer.
    `data` is the server's decoded answer, `{}` when it was not a JSON object. `message` is the server's, unless one is
    given.

    `type(error)(*error.args)` is the same error, and JSON can carry `args`: task queues such as Celery rely on that.
    """

    def __init__(
        self, url: str = "", status: int = 0, data: Mapping[str, Any] | None = None, message: str = "", *more: Any
    ) -> None:
        self.url: str = url.partition("?")[0]
        self.status = status
        self.data: dict[str, Any] = dict(data or {})
        super().__init__(self.url, status, self.data, message or _message(self.data) or _reason_phrase(status), *more)

    @property
    def message(self) -> str:
        """A description of the error."""
        text: str = self.args[3]
        return text

    @message.setter
    def message(self, text: str) -> None:
        self.args = (*self.args[:3], text, *self.args[4:])

    @property
    def field_errors(self) -> dict[str, Any]:
        """The errors of single fields: `{"email": {"code": …, "message": …}}`."""
        return dict(as_object(self.data.get("data")))

    def __str__(self) -> str:
        words = {name: _message(as_object(error)) for name, error in self.field_errors.items()}
        fields = [f"{name}: {message}" for name, message in words.items() if message]
        parts = [str(self.status) if self.status else "", self.message, f"({'; '.join(fields)})" if fields else ""]
        return " ".join(filter(None, parts)) + (f" [{self.url}]" if self.url else "")


class PocketBaseBadRequestError(PocketBaseError):
    """400: the server did not accept the data; see `field_errors`."""


class PocketBaseBatchError(PocketBaseBadRequestError):
    """400: a member of a batch failed and all of it was rolled back.

    `urls` are those of the members by index; `errors` are the errors of those that failed, by index.
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
        for index, member_url in urls.items():
            response = as_object(as_object(failed[index]).get("response"))
            code = response.get("status")
            code = code if type(code) is int else 400
            self.errors[int(index)] = _class_of(code)(member_url, code, response)


class PocketBaseUnauthorizedError(PocketBaseError):
    """401: a valid token is missing, or a second factor is (`mfa_id`)."""

    @property
    def mfa_id(self) -> str | None:
        """The id to pass to the second factor, if the first factor was right."""
        return self.data.get("mfaId")


class PocketBaseForbiddenError(PocketBaseError):
    """403: not for this user."""


class PocketBaseNotFoundError(PocketBaseError):
    """404: it does not exist, or this user must not know that it does."""


class _WithRetryAfter(PocketBaseError):
    """An error whose response may say when to try again."""

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
        """Seconds to wait, if the response said so."""


class PocketBaseRateLimitError(_WithRetryAfter):
    """429: too many requests."""


class PocketBaseServerError(_WithRetryAfter):
    """5xx: the server, or a proxy before it, failed."""


class PocketBaseDecodeError(PocketBaseError):
    """A 2xx response whose body has an unexpected form: HTML, broken JSON, or JSON of another shape."""


class PocketBaseTransportError(PocketBaseError):
    """No answer.

    `request_sent` is False when the request certainly never left, True when it certainly arrived (the answer
    had begun), None when nobody can know.
    """

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


class PocketBaseConnectionError(PocketBaseTransportError):
    """The connection could not be made, or broke."""


class PocketBaseTimeoutError(PocketBaseTransportError):
    """The answer took too long."""


_BY_STATUS: dict[int, type[PocketBaseError]] = {
    400: PocketBaseBadRequestError,
    401: PocketBaseUnauthorizedError,
    403: PocketBaseForbiddenError,
    404: PocketBaseNotFoundError,
    429: PocketBaseRateLimitError,
}


def error_from_response(response: Response) -> PocketBaseError:
    """Make the error that a response outside 2xx stands for. Never raises, whatever the body holds."""
    status, data = response.status_code, _object(response)
    message = _message(data) or _redirect_hint(response)
    error_class = _class_of(status)
    if issubclass(error_class, _WithRetryAfter):
        return error_class(response.url, status, data, message, response.retry_after())
    return error_class(response.url, status, data, message)


def _class_of(status: int) -> type[PocketBaseError]:
    return _BY_STATUS.get(status, PocketBaseServerError if status >= 500 else PocketBaseError)


def _message(data: Mapping[str, Any]) -> str:
    """Return the server's own message; empty where the server sent none."""
    message = data.get("message")
    return message if isinstance(message, str) else ""


def response_from_error(error: PocketBaseError) -> Response:
    """Make the response that a port made this error of, as far as the error tells: for middleware, a status is data."""
    after = error.retry_after if isinstance(error, _WithRetryAfter) else None
    headers = {} if after is None else {"Retry-After": f"{after:.3f}"}
    if not error.data:
        return Response(error.status, headers, url=error.url)
    return Response(error.status, headers, url=error.url, json=error.data)


def unexpected_response(response: Response, expected: str) -> PocketBaseDecodeError:
    """Make the error for a success that does not hold what was expected."""
    kind = response.headers.get("Content-Type", "no Content-Type")
    return PocketBaseDecodeError(
        response.url,
        response.status_code,
        message=f"expected {expected}, got {len(response.content)} bytes of {kind!r}; is PocketBase at the base URL?",
    )


def not_event_stream(response: Response) -> PocketBaseError:
    """Make the error for a response that is no stream of events."""
    return (
        unexpected_response(response, "a stream of events")
        if 200 <= response.status_code < 300
        else error_from_response(response)
    )


def _object(response: Response) -> dict[str, Any]:
    try:
        return as_object(response.json())
    except (ValueError, RecursionError):
        return {}


def _redirect_hint(response: Response) -> str:
    location = response.headers.get("Location")
    if 300 <= response.status_code < 400 and location is not None:
        return f"redirects are not followed; use the address it leads to as base URL: {location.partition('?')[0]!r}"
    return ""


def _reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Request failed"
