"""A batch: many changes in one request, of which the server makes all or none."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from ..calls.call import Call
from ..calls.options import Options
from ..calls.parsing import parse_list
from ..calls.paths import api_path
from ..calls.record_body import batch_files
from ..calls.timeout import USE_CLIENT_DEFAULT
from ..errors import PocketBaseBadRequestError, PocketBaseBatchError, PocketBaseError, unexpected_response
from ..input_errors import PocketBaseInputError
from ..messages import Headers, Request, Response
from ..messages.json_values import as_object

T = TypeVar("T")

MAX_REQUESTS = 1000
"""The largest number of sub-requests that this library sends in one batch."""
_JSON = Headers({"Content-Type": "application/json"})


class SubResponse(NamedTuple):
    """The server's response to one sub-request, not parsed yet."""

    status: int
    """The HTTP status."""
    body: Any
    """The decoded JSON body; None if there is none."""


def sub_request(call: Call[T]) -> Call[T]:
    """Return a call in the form that a batch requires.

    Raises:
        ValueError: If the call has a timeout, or a field appends both uploads and names of stored files.
    """
    if call.timeout is not USE_CLIENT_DEFAULT:
        raise ValueError("timeout must be passed to send: it is for the batch as a whole")
    if not call.request.files:
        return call
    files = batch_files(call.request.body, call.request.files)
    return call._replace(request=call.request.replace(files=files))


def send(sub_requests: Sequence[Call[Any]], options: Options) -> Call[list[SubResponse]]:
    """Build the call that sends a batch.

    Its parser raises PocketBaseBatchError if a sub-request failed; then the server has made no change.

    Raises:
        ValueError: If there are no sub-requests, or more than `MAX_REQUESTS`.
    """
    if not sub_requests:
        raise PocketBaseInputError("the batch is empty")
    if len(sub_requests) > MAX_REQUESTS:
        raise PocketBaseInputError(
            f"a batch must have at most {MAX_REQUESTS} requests, not {len(sub_requests)}; the server's own limit is "
            "the setting batch.maxRequests, by default 50"
        )
    requests = [_encode(call.request) for call in sub_requests]
    files = [
        (f"requests.{number}.{field}", file)
        for number, call in enumerate(sub_requests)
        for field, file in call.request.files
    ]

    def parse(response: Response) -> list[SubResponse]:
        try:
            results = parse_list(response)
        except PocketBaseBadRequestError as error:
            raise _batch_error(error, sub_requests) from None
        if len(results) != len(sub_requests):
            raise unexpected_response(response, f"the results of {len(sub_requests)} requests")
        return [_sub_response(result, response) for result in results]

    return Call.build("POST", api_path("batch"), parse, options, body={"requests": requests}, files=tuple(files))


def _encode(request: Request) -> dict[str, Any]:
    encoded: dict[str, Any] = {"method": request.method, "url": request.full_url}
    if request.headers:
        encoded["headers"] = dict(request.headers)
    if request.body is not None:
        encoded["body"] = request.body
    return encoded


def results(sub_requests: Sequence[Call[Any]], sub_responses: Sequence[SubResponse]) -> list[dict[str, Any]]:
    """Return `[{"status", "body"}]`, with each body parsed by the parser of its sub-request.

    Raises:
        PocketBaseDecodeError: If a body has an unexpected form.
    """
    return [
        {"status": each.status, "body": call.parse(_response(call, each.status, each.body))}
        for call, each in zip(sub_requests, sub_responses, strict=True)
    ]


def _sub_response(result: Any, response: Response) -> SubResponse:
    status, body = as_object(result).get("status"), as_object(result).get("body")
    if type(status) is not int:
        raise unexpected_response(response, "a status and a body of each request")
    return SubResponse(status, body)


def _response(call: Call[Any], status: int, body: Any) -> Response:
    if body is None:
        return Response(status, url=call.request.url)
    # Parsers expect a response with content. The body was decoded with the batch, so `loads` returns it.
    return Response(status, _JSON, b"decoded with the batch", call.request.url, loads=lambda _: body)


def _batch_error(error: PocketBaseError, sub_requests: Sequence[Call[Any]]) -> PocketBaseBatchError:
    urls = {str(number): call.request.url for number, call in enumerate(sub_requests)}
    return PocketBaseBatchError(error.url, error.status, error.data, urls=urls)
