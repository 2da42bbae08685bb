"""One call to the API, as a value."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from ..auth.store import AuthStore
from ..input_errors import PocketBaseInputError
from ..messages import Request, Response
from ..messages.body import check_content_type
from ..messages.uploads import File
from .options import Options
from .query import encode_query
from .timeout import USE_CLIENT_DEFAULT, Timeout

S = TypeVar("S")
T = TypeVar("T")


class Call(NamedTuple, Generic[T]):
    """A request and the parser of its response.

    Args:
        request: The request. Its URL is relative to the server, and its timeout is not used.
        parse: Returns the value of a response, or raises the PocketBaseError that the response stands for.
        timeout: The limit in seconds for the call as a whole.
        retries: Whether the middleware `Retry` may repeat the request.
        effect: Is called after a success, with the auth store of the user and the parsed value.
    """

    request: Request
    parse: Callable[[Response], T]
    timeout: Timeout = USE_CLIENT_DEFAULT
    retries: bool = True
    effect: Callable[[AuthStore, T], None] | None = None

    @staticmethod
    def build(
        method: str,
        path: str,
        parse: Callable[[Response], S],
        options: Options,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        files: tuple[tuple[str, File], ...] = (),
    ) -> "Call[S]":
        """Return the call of an endpoint with the options of its caller.

        Args:
            method: The HTTP method.
            path: The path on the server, percent-encoded.
            parse: The parser of the response.
            options: The caller's options, which add query parameters, headers and a timeout.
            params: The query parameters that the endpoint itself sets.
            body: A JSON value, or raw content; None is no body.
            files: `(field, file)` pairs.

        Raises:
            ValueError: If the options contain a query parameter that the endpoint itself sets, or a Content-Type that
                is not the body's.
        """
        query = options.params
        if params:
            endpoint_params = encode_query(params)
            if duplicates := endpoint_params.keys() & query.keys():
                raise PocketBaseInputError(
                    f"params must not contain {sorted(duplicates)}, which this method sets itself"
                )
            query = {**endpoint_params, **query}
        request = Request(method, path, query, options.headers, body, files)
        if body is not None or files:
            check_content_type(request.headers, request.body, files)
        return Call(request, parse, options.timeout)

    def with_parser(self, parse: Callable[[Response], S]) -> "Call[S]":
        """Return a copy with another parser, and without an effect."""
        return Call(self.request, parse, self.timeout, self.retries)

    def with_response(self) -> "Call[tuple[T, Response]]":
        """Return a copy whose parser returns the response too, and without an effect."""
        return self.with_parser(lambda response: (self.parse(response), response))

    def then(self, effect: Callable[[AuthStore, T], None]) -> "Call[T]":
        """Return a copy with an effect on the auth store."""
        return self._replace(effect=effect)

    def without_retries(self) -> "Call[T]":
        """Return a copy that the middleware `Retry` leaves alone, for callers with a retry loop of their own."""
        return self._replace(retries=False)
