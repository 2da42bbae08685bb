"""The frozen requests and responses that travel through the middleware."""

import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from .headers import EditableHeaders as EditableHeaders
from .headers import Headers as Headers
from .json_values import Dumps, Loads, frozen_json, json_text, json_value, read_json, thawed_json
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
    dumps: Dumps = field(compare=False)
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
        dumps: Dumps = json_text,
        max_response_bytes: int | None = None,
    ) -> None:
        if type(headers) is not Headers:
            headers = Headers(headers)
        headers.check()
        if "@" in url and "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("the URL of a request holds no user: sign in instead, or set a header")
        put = object.__setattr__
        put(self, "method", method)
        put(self, "url", url)
        put(self, "params", params if type(params) is MappingProxyType else MappingProxyType(dict(params)))
        put(self, "headers", headers)
        put(self, "body", body if body is None or type(body) is MappingProxyType else frozen_json(body))
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
        headers.check()  # the others have been checked, and are not again
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
    headers: EditableHeaders
    body: Any
    files: list[tuple[str, File]]
    timeout: float | None
    dumps: Dumps
    max_response_bytes: int | None

    __repr__ = Request.__repr__

    @classmethod
    def of(cls, request: Request) -> Self:
        """A draft that shares nothing with the request."""
        return cls(
            request.method,
            request.url,
            dict(request.params),
            EditableHeaders(request.headers),
            thawed_json(request.body),
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


_NO_JSON: Any = object()


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Response:
    """An answer, read to its end. `Response(200, json={…})` builds one. `loads` reads the body's JSON."""

    status_code: int
    headers: Headers
    content: bytes
    url: str
    loads: Loads = field(compare=False)

    def __init__(
        self,
        status_code: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        content: bytes = b"",
        url: str = "",
        *,
        json: Any = _NO_JSON,
        loads: Loads = json_value,
    ) -> None:
        if type(headers) is not Headers:
            headers = Headers(headers)
        if json is not _NO_JSON:
            content = jsonlib.dumps(json, ensure_ascii=False).encode()
            headers = Headers({"Content-Type": "application/json"}) | headers
        put = object.__setattr__
        put(self, "status_code", status_code)
        put(self, "headers", headers)
        put(self, "content", content)
        put(self, "url", url)
        put(self, "loads", loads)

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not valid is shown as U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The decoded body.

        Raises:
            ValueError: it is not JSON.
        """
        return read_json(self.content, self.loads)

    def retry_after(self) -> float | None:
        """The seconds that a Retry-After header asks to wait, in either of its forms (RFC 9110, 10.2.3)."""
        value = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            return float(value)
        from email.utils import parsedate_to_datetime  # imports much that only this needs

        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())

    def replace(self, **changes: Any) -> "Response":
        """This response with other attributes."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return Response(**(kept | changes))

    def __repr__(self) -> str:
        return f"<Response {self.status_code} {self.url.partition('?')[0]} {len(self.content)} bytes {self.headers!r}>"


class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    event: str = "message"
    data: str = ""
    id: str = ""
