"""Many changes in one request, all of them or none."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from ..calls.call import USE_CLIENT_DEFAULT, Call
from ..calls.options import Options
from ..calls.parsing import parse_list
from ..calls.paths import api_path
from ..calls.record_body import batch_files
from ..errors import PocketBaseBadRequestError, PocketBaseBatchError, PocketBaseError, unexpected_response
from ..messages import Headers, Response
from ..messages.json_values import as_object
from ..messages.uploads import File

T = TypeVar("T")

MAX_REQUESTS = 1000
_JSON = Headers({"Content-Type": "application/json"})


class SubResponse(NamedTuple):
    """The server's answer to a member, not parsed yet."""

    status: int
    body: Any


def sub_request(call: Call[T]) -> Call[T]:
    """Turn a call into a member of a batch.

    Raises:
        ValueError: the call has a timeout of its own, or combines files in a way that a batch cannot.
    """
    if call.timeout is not USE_CLIENT_DEFAULT:
        raise ValueError("timeout is for the batch as a whole: give it to send")
    if not call.request.files:
        return call
    files = batch_files(call.request.body, call.request.files)
    return call._replace(request=call.request.replace(files=files))


def send(members: Sequence[Call[Any]], options: Options) -> Call[list[SubResponse]]:
    """Build one call for all members.

    Raises:
        ValueError: there are no members, or too many.
    """
    if not members:
        raise ValueError("the batch is empty")
    if len(members) > MAX_REQUESTS:
        raise ValueError(
            f"a batch holds at most {MAX_REQUESTS} members, not {len(members)}; the server's own limit is the setting "
            "batch.maxRequests, 50 unless it was changed"
        )
    requests: list[dict[str, Any]] = []
    files: list[tuple[str, File]] = []
    for number, call in enumerate(members):
        request = call.request
        described: dict[str, Any] = {"method": request.method, "url": request.full_url}
        if request.headers:
            described["headers"] = dict(request.headers)
        if request.body is not None:
            described["body"] = request.body
        requests.append(described)
        files += [(f"requests.{number}.{field}", file) for field, file in request.files]

    def parse(response: Response) -> list[SubResponse]:
        try:
            answers = parse_list(response)
        except PocketBaseBadRequestError as error:
            raise _batch_error(error, members) from None
        if len(answers) != len(members):
            raise unexpected_response(response, f"the answers of {len(members)} members")
        return [_answer(answer, response) for answer in answers]

    return options.call("POST", api_path("batch"), parse, body={"requests": requests}, files=tuple(files))


def results(members: Sequence[Call[Any]], answers: Sequence[SubResponse]) -> list[dict[str, Any]]:
    """Parse each answer with its member's own parser: `[{"status", "body"}]`.

    Raises:
        PocketBaseDecodeError: an answer has an unexpected form.
    """
    return [
        {"status": answer.status, "body": call.parse(_response(call, answer.status, answer.body))}
        for call, answer in zip(members, answers, strict=True)
    ]


def _answer(answer: Any, response: Response) -> SubResponse:
    status, body = as_object(answer).get("status"), as_object(answer).get("body")
    if type(status) is not int:
        raise unexpected_response(response, "a status and a body of each member")
    return SubResponse(status, body)


def _response(call: Call[Any], status: int, body: Any) -> Response:
    if body is None:
        return Response(status, url=call.request.url)
    return Response(status, _JSON, b"decoded with the whole", call.request.url, loads=lambda _: body)


def _batch_error(error: PocketBaseError, members: Sequence[Call[Any]]) -> PocketBaseBatchError:
    urls = {str(number): member.request.url for number, member in enumerate(members)}
    return PocketBaseBatchError(error.url, error.status, error.data, urls=urls)
