"""Errors survive pickling, copying, and task queues, which keep only the class and its `args`."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import pocketbase_core
from pocketbase_core import (
    PocketBase,
    PocketBaseBadRequestError,
    PocketBaseBatchError,
    PocketBaseConnectionError,
    PocketBaseDecodeError,
    PocketBaseError,
    PocketBaseNotFoundError,
    PocketBaseRateLimitError,
    PocketBaseSessionExpiredError,
    PocketBaseTimeoutError,
    PocketBaseTransportError,
    Request,
    Response,
)
from pocketbase_core.errors import error_from_response, log_text
from pocketbase_transports import MockTransport

URL = "http://h/api/x"
FAILED: dict[str, Any] = {"code": "batch_request_failed", "message": "Batch request failed.", "response": {}}


@dataclass
class Post:
    n: int


def answered(status: int, body: Any = None, **headers: str) -> PocketBaseError:
    return error_from_response(Response(status, headers, url=f"{URL}?token=secret", json=body))


def batch_error() -> PocketBaseBatchError:
    response: dict[str, Any] = {"status": 404, "message": "Gone.", "data": {}}
    requests: dict[str, Any] = {"1": {**FAILED, "response": response}, "2": "odd", "9": FAILED}
    urls = {"0": "/a", "1": "/b?token=secret", "2": "/c"}
    return PocketBaseBatchError(f"{URL}?token=secret", 400, {"data": {"requests": requests}}, urls=urls)


def reworded() -> PocketBaseError:
    error = answered(404, {"message": "File not found."})
    error.message = "the server has no such route"
    return error


ERRORS: list[PocketBaseError] = [
    PocketBaseError(),
    *(
        answered(status, {"message": "No.", "data": {"a": {"message": "x"}}})
        for status in (400, 401, 403, 404, 429, 503)
    ),
    answered(429, {}, **{"Retry-After": "7"}),
    answered(503, None, **{"Retry-After": "7"}),
    answered(401, {"mfaId": "m1"}),
    answered(302, {}, Location="http://elsewhere"),
    answered(418),
    batch_error(),
    reworded(),
    PocketBaseSessionExpiredError(URL, 401, message="Nothing was sent"),
    PocketBaseDecodeError(URL, 200, message="expected JSON"),
    PocketBaseRateLimitError(URL, 429, None, "Slow down.", 3.5),
    *(
        error_type(URL, message="no answer", request_sent=sent)
        for error_type in (PocketBaseTransportError, PocketBaseConnectionError, PocketBaseTimeoutError)
        for sent in (True, False, None)
    ),
]


def seen(error: PocketBaseError) -> Any:
    """Return everything that an error shows."""
    attributes = {name: value for name, value in vars(error).items() if name != "errors"}
    members = {index: seen(member) for index, member in getattr(error, "errors", {}).items()}
    return type(error), error.args, str(error), error.message, error.field_errors, attributes, members


def of_args(error: PocketBaseError) -> PocketBaseError:
    return type(error)(*error.args)


def of_json(error: PocketBaseError) -> PocketBaseError:
    return type(error)(*json.loads(json.dumps(error.args)))


def of_pickle(error: PocketBaseError) -> PocketBaseError:
    again: PocketBaseError = pickle.loads(pickle.dumps(error))
    return again


@pytest.mark.parametrize("way", [of_args, of_json, of_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__} {error.status}")
def test_an_error_is_the_same_after_pickle_copy_and_json(
    error: PocketBaseError, way: Callable[[PocketBaseError], PocketBaseError]
) -> None:
    assert seen(way(error)) == seen(error)
    assert "secret" not in repr(error.args), "the error holds the query"


def test_errors_429_and_5xx_have_the_seconds_of_retry_after() -> None:
    waits = [getattr(answered(status, {}, **{"Retry-After": "7"}), "retry_after", None) for status in (429, 503, 400)]
    assert waits == [7, 7, None]


def test_the_errors_of_these_tests_cover_every_class() -> None:
    classes = {value for name in pocketbase_core.__all__ if isinstance(value := getattr(pocketbase_core, name), type)}
    error_types = {error_type for error_type in classes if issubclass(error_type, PocketBaseError)}
    assert error_types <= {type(error) for error in ERRORS}, "a class is missing in ERRORS"


async def test_a_batch_error_is_pickled_with_the_errors_of_its_requests() -> None:
    def refuse(request: Request) -> Response:
        response: dict[str, Any] = {"status": 404, "message": "Gone.", "data": {}}
        failed: dict[str, Any] = {"1": {**FAILED, "response": response}}
        return Response(400, json={"status": 400, "message": "Batch failed.", "data": {"requests": failed}})

    batch = PocketBase("http://h", transport=MockTransport(refuse)).create_batch()
    batch.collection("posts").create({"n": 1})
    batch.collection("posts").delete("gone")
    with pytest.raises(PocketBaseBatchError) as caught:
        await batch.send()
    for error in (caught.value, of_json(caught.value)):
        assert isinstance(error, PocketBaseBatchError)
        (member,) = error.errors.values()
        assert isinstance(member, PocketBaseNotFoundError)
        assert (member.message, member.url) == ("Gone.", "/api/collections/posts/records/gone")


@pytest.mark.parametrize("method", ["get_one", "update"])
async def test_the_decode_error_of_a_record_can_be_pickled(method: str) -> None:
    pb = PocketBase("http://h", transport=MockTransport(lambda request: Response(200, json={"id": "x", "n": "text"})))
    posts = pb.collection("posts", Post)
    with pytest.raises(PocketBaseDecodeError) as caught:
        await (posts.get_one("x") if method == "get_one" else posts.update("x", {}))
    for error in (caught.value, of_json(caught.value), of_pickle(caught.value)):
        assert (error.url, error.status) == ("http://h/api/collections/posts/records/x", 200)
    assert seen(of_json(caught.value)) == seen(caught.value)


def test_the_repr_of_an_error_has_the_reason_and_the_url() -> None:
    refused = PocketBaseConnectionError(f"{URL}?token=secret", message="cannot connect to h: Connection refused")
    assert repr(refused) == f"PocketBaseConnectionError('cannot connect to h: Connection refused', url='{URL}')"
    assert repr(answered(404)) == f"PocketBaseNotFoundError('404 Not Found', url='{URL}')"
    assert repr(PocketBaseError()) == "PocketBaseError('Request failed', url='')"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__} {error.status}")
def test_an_error_without_a_response_shows_no_status(error: PocketBaseError) -> None:
    for shown in (str(error), repr(error)):
        assert (error.message or "?") in shown
        assert "secret" not in shown
        assert ("0" in shown) == ("0" in str(error.status or ""))


def test_an_error_is_shown_in_one_line_without_control_characters() -> None:
    text = "No.\r\n  ERROR: \x1b[31mred\u2028\u202e\x00\ud800 全\u3000角"
    error = PocketBaseBadRequestError(URL, 400, {"message": text, "data": {"a\n": {"message": "b\tc"}}})
    line = "400 No. ERROR: \\x1b[31mred \\u202e\\x00\\ud800 全\u3000角 (a : b c)"
    assert str(error) == f"{line} [{URL}]"
    assert log_text(error) == f"PocketBaseBadRequestError: {line}"
    assert repr(error).isprintable()
    assert error.message == text


def test_an_error_is_shown_in_limited_length() -> None:
    error = PocketBaseError(f"http://{'h' * 9999}", 400, {"message": "m" * 9999})
    for shown in (str(error), repr(error), log_text(error)):
        assert "400 mmm" in shown
        assert len(shown) < 2100


def test_an_error_names_nested_fields() -> None:
    fields = {"fields": {"1": {"name": {"code": "x", "message": "Cannot be blank."}}}, "smtp": {"host": 5}}
    assert (
        str(answered(400, {"message": "No.", "data": fields})) == f"400 No. (fields.1.name: Cannot be blank.) [{URL}]"
    )


def test_an_error_names_no_fields_below_the_fifth_level() -> None:
    fields: dict[str, Any] = {"message": "Too deep."}
    for _ in range(6):
        fields = {"a": fields}
    assert str(answered(400, {"message": "No.", "data": fields})) == f"400 No. [{URL}]"


def test_the_error_of_a_batch_says_which_requests_failed_and_why() -> None:
    response = {"status": 400, "message": "No.", "data": {"n": {"message": "Bad."}}}
    requests = {str(index): {**FAILED, "response": response} for index in range(1, 8)}
    urls = {str(index): "/api/collections/posts/records" for index in range(9)}
    error = PocketBaseBatchError(URL, 400, {"message": "Batch failed.", "data": {"requests": requests}}, urls=urls)
    members = [f"errors[{index}]: 400 No. (n: Bad.) [/api/collections/posts/records]" for index in range(1, 6)]
    assert str(error) == f"400 Batch failed. ({'; '.join(members)}; and 2 more) [{URL}]"


def test_the_text_of_another_exception_for_a_log_has_its_type_and_reason() -> None:
    assert log_text(OSError(28, "No space\nleft")) == "OSError: [Errno 28] No space left"
    assert log_text(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json", ""])
async def test_only_html_leads_to_a_question_about_the_base_url(content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = Response(200, headers, b'{"token": "secret"}')
    pb = PocketBase("http://h", transport=MockTransport(lambda request: response))
    with pytest.raises(PocketBaseDecodeError) as caught:
        await pb.collection("posts").get_list()
    assert f"got 19 bytes of {content_type or 'no Content-Type'!r}" in caught.value.message
    assert caught.value.message.endswith("is PocketBase at the base URL?") == ("html" in content_type)
    assert "secret" not in repr(caught.value)


async def test_the_traceback_of_a_body_that_is_not_json_has_no_frames_of_the_decoder() -> None:
    page = Response(200, {"Content-Type": "text/html"}, b"<!doctype html>")
    pb = PocketBase("http://h", transport=MockTransport(lambda request: page))
    with pytest.raises(PocketBaseDecodeError) as caught:
        await pb.collection("posts").get_list()
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__cause__.__traceback__ is None


def test_a_message_that_was_passed_replaces_the_servers() -> None:
    assert PocketBaseError(URL, 400, {"message": "theirs"}).message == "theirs"
    assert PocketBaseError(URL, 400, {"message": "theirs"}, "ours").message == "ours"
    assert answered(302, {"message": "theirs"}, Location="http://elsewhere").message == "theirs"


def test_a_field_error_of_any_shape_leaves_the_message_readable() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    error = PocketBaseError(URL, 400, {"data": {"a": {"message": deep}, "b": {"message": "wrong"}, "c": deep}})
    assert str(error) == f"400 Bad Request (b: wrong) [{URL}]"
