"""Many changes in one request, all of them or none."""

from collections.abc import Sequence
from typing import Any

from ..call import Call, parse_list
from ..errors import PocketBaseBadRequestError, PocketBaseBatchError, PocketBaseError, decode_error
from ..messages import Headers, Response
from ..options import Options
from ..paths import api_path
from ..uploads import File
from ..values import json_object

MOST = 1000
_JSON = Headers({"Content-Type": "application/json"})


def send(members: Sequence[Call[Any]], options: Options) -> Call[list[dict[str, Any]]]:
    """One call for all members; its answer is taken apart by their own parsers.

    Raises:
        ValueError: there are none, or too many.
    """
    if not members:
        raise ValueError("the batch is empty")
    if len(members) > MOST:
        raise ValueError(
            f"a batch holds at most {MOST} members, not {len(members)}; the server's own limit is the setting "
            "batch.maxRequests, 50 unless it was changed"
        )
    requests: list[dict[str, Any]] = []
    files: list[tuple[str, File]] = []
    for number, call in enumerate(members):
        request = call.request
        member: dict[str, Any] = {"method": request.method, "url": request.full_url}
        if request.headers:
            member["headers"] = dict(request.headers)
        if request.body is not None:
            member["body"] = request.body
        requests.append(member)
        files += [(f"requests.{number}.{field}", file) for field, file in request.files]

    def parse(response: Response) -> list[dict[str, Any]]:
        try:
            answers = parse_list(response)
        except PocketBaseBadRequestError as error:
            raise _batch_error(error, members) from None
        if len(answers) != len(members):
            raise decode_error(response, f"the answers of {len(members)} members")
        return [_member(call, answer, response) for call, answer in zip(members, answers, strict=True)]

    return options.call("POST", api_path("batch"), parse, body={"requests": requests}, files=tuple(files))


def _member(call: Call[Any], answer: Any, response: Response) -> dict[str, Any]:
    status, body = json_object(answer).get("status"), json_object(answer).get("body")
    if type(status) is not int:
        raise decode_error(response, "a status and a body of each member")
    return {"status": status, "body": call.parse(_response(call, status, body))}


def _response(call: Call[Any], status: int, body: Any) -> Response:
    if body is None:
        return Response(status, url=call.request.url)
    return Response(status, _JSON, b"decoded with the whole", call.request.url, loads=lambda _: body)


def _batch_error(error: PocketBaseError, members: Sequence[Call[Any]]) -> PocketBaseBatchError:
    urls = {str(number): member.request.url for number, member in enumerate(members)}
    return PocketBaseBatchError(error.url, error.status, error.data, urls=urls)
