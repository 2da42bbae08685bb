"""Frozen requests, and drafts of them that may be edited."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlencode

from .headers import Headers as Headers
from .headers import MutableHeaders as MutableHeaders
from .json_values import JsonDumps, default_dumps, freeze_json, thaw_json
from .uploads import File

_NO_PARAMS: Mapping[str, str | tuple[str, ...]] = MappingProxyType({})


_NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Request:
    """A request. Changing one makes another: `with_header`, `replace`.

    `url` has no query; that is `params`. `body` is a JSON value, read-only all the way down; `files` are
    `(field, file)` pairs that travel beside it. `timeout` is in seconds, for the whole call; None is no limit. `dumps`
    makes JSON of the body. An answer of more than `max_response_bytes` is not read whole; None is no limit.

    Raises:
        TypeError, ValueError: a header, URL, parameter or body that cannot be sent.
    """

    method: str
    url: str
    params: Mapping[str, str | tuple[str, ...]]
    headers: Headers
    body: Any
    files: tuple[tuple[str, File], ...]
    timeout: float | None
    dumps: JsonDumps = field(compare=False)
    max_response_bytes: int | None

    def __init__(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | tuple[str, ...]] = _NO_PARAMS,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: Any = None,
        files: tuple[tuple[str, File], ...] = (),
        timeout: float | None = None,
        dumps: JsonDumps = default_dumps,
        max_response_bytes: int | None = None,
    ) -> None:
        if type(headers) is not Headers:
            headers = Headers(headers)
        headers.validate()
        if "@" in url and "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("the URL of a request holds no user: sign in instead, or set a header")
        put = object.__setattr__
        put(self, "method", method)
        put(self, "url", url)
        put(self, "params", params if type(params) is MappingProxyType else MappingProxyType(dict(params)))
        put(self, "headers", headers)
        put(self, "body", body if body is None or type(body) is MappingProxyType else freeze_json(body))
        put(self, "files", files)
        put(self, "timeout", timeout)
        put(self, "dumps", dumps)
        put(self, "max_response_bytes", max_response_bytes)

    @property
    def full_url(self) -> str:
        """The URL with its query, percent-encoded."""
        if not self.params:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.params, doseq=True)}"

    def with_header(self, name: str, value: str) -> "Request":
        """This request with one header set."""
        return self.with_headers(Headers({name: value}))

    def with_headers(self, headers: Headers) -> "Request":
        """This request with these headers set."""
        headers.validate()  # the others have been checked, and are not again
        return Request(
            self.method,
            self.url,
            self.params,
            self.headers | headers,
            self.body,
            self.files,
            self.timeout,
            self.dumps,
            self.max_response_bytes,
        )

    def replace(self, **changes: Any) -> "Request":
        """This request with other attributes."""
        return replace(self, **changes)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]} params={list(self.params)} {self.headers!r}>"


@dataclass(slots=True)
class RequestDraft:
    """A request that a hook may edit in place; what it changes becomes a new `Request`."""

    method: str
    url: str
    params: dict[str, str | tuple[str, ...]]
    headers: MutableHeaders
    body: Any
    files: list[tuple[str, File]]
    timeout: float | None
    dumps: JsonDumps
    max_response_bytes: int | None

    __repr__ = Request.__repr__

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """A draft that shares nothing with the request."""
        return cls(
            request.method,
            request.url,
            dict(request.params),
            MutableHeaders(request.headers),
            thaw_json(request.body),
            list(request.files),
            request.timeout,
            request.dumps,
            request.max_response_bytes,
        )

    def freeze(self) -> Request:
        """The request that the draft now describes."""
        return Request(
            self.method,
            self.url,
            self.params,
            Headers(self.headers),
            self.body,
            tuple(self.files),
            self.timeout,
            self.dumps,
            self.max_response_bytes,
        )

    def with_header(self, name: str, value: str) -> Request:
        """Set one header, as `Request.with_header` does."""
        return self.freeze().with_header(name, value)

    def with_headers(self, headers: Headers) -> Request:
        """Set several headers, as `Request.with_headers` does."""
        return self.freeze().with_headers(headers)

    def replace(self, **changes: Any) -> Request:
        """Change fields, as `Request.replace` does."""
        return self.freeze().replace(**changes)
