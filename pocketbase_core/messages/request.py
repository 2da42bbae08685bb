"""Immutable requests, and editable drafts of requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self, final
from urllib.parse import quote_plus, urlencode

from ..input_errors import PocketBaseInputError
from .body import freeze_body
from .client_options import ClientOptions
from .headers import NO_HEADERS, Headers, MutableHeaders
from .json_values import default_loads, thaw_json
from .uploads import File

_NO_PARAMS: Mapping[str, str | tuple[str, ...]] = MappingProxyType({})
_NO_OPTIONS = ClientOptions()
_WITHOUT_BODY = ("GET", "HEAD")  # RFC 9110, 9.3.1 and 9.3.2: servers may refuse such a body, or ignore it


class _Attributes:
    """The attributes of a request that is not frozen yet.

    A frozen dataclass sets each attribute by a call of `object.__setattr__`, which takes longer than all else. So
    attributes are assigned to an object of this class, which then becomes a `Request`.
    """

    __slots__ = ("body", "client_options", "files", "headers", "method", "params", "timeout", "url")


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Request(_Attributes):
    """An immutable request. `with_header`, `with_headers` and `replace` return a changed copy.

    Args:
        method: The HTTP method.
        url: The absolute URL without its query.
        params: The query parameters; a tuple repeats its key.
        headers: The headers. The transport adds those of the body and the connection.
        body: A JSON value, which becomes read-only all the way down; None is no body. Bytes are sent as they are. So is
            an async iterable of bytes or a FileUpload of one file, which becomes a `File`.
        files: `(field, file)` pairs, which are sent with the body as multipart/form-data.
        timeout: The limit in seconds for the request as a whole; None is no limit.
        client_options: The JSON library and the size limit of the client. Requests that differ in these are equal.

    Raises:
        TypeError: If a header, the body or a parameter is of a type that cannot be sent.
        ValueError: If a header or the URL has a value that cannot be sent, or a GET or HEAD request has a body.
    """

    method: str
    url: str
    params: Mapping[str, str | tuple[str, ...]]
    headers: Headers
    body: Any
    files: tuple[tuple[str, File], ...]
    timeout: float | None
    client_options: ClientOptions = field(compare=False)

    def __new__(
        cls,
        method: str,
        url: str,
        params: Mapping[str, str | tuple[str, ...]] = _NO_PARAMS,
        headers: Mapping[str, str] = NO_HEADERS,
        body: Any = None,
        files: tuple[tuple[str, File], ...] = (),
        timeout: float | None = None,
        client_options: ClientOptions = _NO_OPTIONS,
    ) -> "Request":
        """Check the attributes, and return a request that has them."""
        if type(headers) is not Headers:
            headers = Headers(headers)
        headers.validate()
        if "@" in url and "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("the URL of a request must not contain user information: sign in, or set a header")
        if method in _WITHOUT_BODY and (body is not None or files):
            raise PocketBaseInputError(f"a {method} request must not have a body")
        if not isinstance(params, MappingProxyType):
            params = MappingProxyType(dict(params))
        if body is not None and type(body) is not MappingProxyType:
            body = freeze_body(body)
        return _make(method, url, params, headers, body, files, timeout, client_options)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        params, body = dict(self.params), thaw_json(self.body)
        others = self.files, self.timeout, self.client_options
        return Request, (self.method, self.url, params, self.headers, body, *others)

    @property
    def full_url(self) -> str:
        """The URL with its query, percent-encoded."""
        if not self.params:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.params, doseq=True, quote_via=_quote)}"

    @property
    def sources(self) -> tuple[File, ...]:
        """Everything that is read while the request is sent: its files, and its body if that is a `File`."""
        files = tuple(file for _, file in self.files)
        return (self.body, *files) if isinstance(self.body, File) else files

    def json(self) -> Any:
        """Return the body as plain values, which may be edited: dicts and lists; None if there is no body.

        Raises:
            ValueError: If the body is raw content that is not JSON, or that is read while the request is sent.
        """
        if isinstance(self.body, File):
            raise ValueError(f"the body is read while the request is sent: {self.body!r}")
        return default_loads(self.body) if isinstance(self.body, bytes) else thaw_json(self.body)

    def with_header(self, name: str, value: str) -> "Request":
        """Return a copy with one header set."""
        return self.with_headers(Headers({name: value}))

    def with_headers(self, headers: Headers) -> "Request":
        """Return a copy with these headers set."""
        headers.validate()  # so that the merged headers, which are valid then, are not validated again
        return derive_request(self, self.url, self.headers | headers, self.timeout, self.client_options)

    def replace(self, **changes: Any) -> "Request":
        """Return a copy with other attributes."""
        return replace(self, **changes)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]} params={list(self.params)} {self.headers!r}>"


def _quote(text: Any, *rest: Any) -> str:
    if isinstance(text, str) and text.isalnum() and text.isascii():
        return text  # as most names and many values are: `quote_plus` takes five times as long
    return quote_plus(text, *rest)


def derive_request(
    request: Request, url: str, headers: Headers, timeout: float | None, client_options: ClientOptions
) -> Request:
    """Return a copy of a request with other attributes: a fast `replace`, which checks nothing but the headers.

    Raises:
        TypeError: If a header is of a type that cannot be sent.
        ValueError: If a header cannot be sent.
    """
    headers.validate()
    return _make(request.method, url, request.params, headers, request.body, request.files, timeout, client_options)


def _make(
    method: str,
    url: str,
    params: Mapping[str, str | tuple[str, ...]],
    headers: Headers,
    body: Any,
    files: tuple[tuple[str, File], ...],
    timeout: float | None,
    client_options: ClientOptions,
) -> Request:
    attributes: Any = _Attributes()
    attributes.method = method
    attributes.url = url
    attributes.params = params
    attributes.headers = headers
    attributes.body = body
    attributes.files = files
    attributes.timeout = timeout
    attributes.client_options = client_options
    attributes.__class__ = Request
    request: Request = attributes
    return request


@dataclass(slots=True)
class RequestDraft:
    """An editable copy of a `Request`, with the same attributes, which the hooks of a client receive."""

    method: str
    url: str
    params: dict[str, str | tuple[str, ...]]
    headers: MutableHeaders
    body: Any
    files: list[tuple[str, File]]
    timeout: float | None
    client_options: ClientOptions

    __repr__ = Request.__repr__

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """Return a draft that shares nothing mutable with the request."""
        return cls(
            request.method,
            request.url,
            dict(request.params),
            MutableHeaders(request.headers),
            thaw_json(request.body),
            list(request.files),
            request.timeout,
            request.client_options,
        )

    def freeze(self) -> Request:
        """Return the request that the draft describes now."""
        return Request(
            self.method,
            self.url,
            self.params,
            Headers(self.headers),
            self.body,
            tuple(self.files),
            self.timeout,
            self.client_options,
        )

    def json(self) -> Any:
        """Return a copy of the body, as `Request.json` does."""
        return self.freeze().json()

    def with_header(self, name: str, value: str) -> Request:
        """Return the request with one header set, as `Request.with_header` does."""
        return self.freeze().with_header(name, value)

    def with_headers(self, headers: Headers) -> Request:
        """Return the request with several headers set, as `Request.with_headers` does."""
        return self.freeze().with_headers(headers)

    def replace(self, **changes: Any) -> Request:
        """Return the request with other attributes, as `Request.replace` does."""
        return self.freeze().replace(**changes)
