"""Immutable responses."""

import json as jsonlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, final

from .headers import Headers
from .http_date import parse_http_date
from .json_values import JsonLoads, decode_json, default_loads

_NO_JSON: Any = object()


class _Attributes:
    """The attributes of a response that is not frozen yet. See `_Attributes` of requests."""

    __slots__ = ("content", "headers", "loads", "status_code", "url")


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Response(_Attributes):
    """An immutable response whose body was read to its end. `replace` returns a changed copy.

    `Response(200, json={"id": "a"})` is enough to build one in a test.

    Args:
        status_code: The HTTP status.
        headers: A mapping, or `(name, value)` pairs.
        content: The body, decompressed.
        url: The URL of the request, without its query.
        json: A JSON value, which is encoded as the body in place of `content`.
        loads: The decoder of the client's JSON library. Responses that differ only in this decoder are equal.
    """

    status_code: int
    headers: Headers
    content: bytes
    url: str
    loads: JsonLoads = field(compare=False)

    def __new__(
        cls,
        status_code: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        content: bytes = b"",
        url: str = "",
        *,
        json: Any = _NO_JSON,
        loads: JsonLoads = default_loads,
    ) -> Self:
        """Return a response with these attributes."""
        if type(headers) is not Headers:
            headers = Headers(headers)
        if json is not _NO_JSON:
            content = jsonlib.dumps(json, ensure_ascii=False).encode()
            headers = Headers({"Content-Type": "application/json"}) | headers
        attributes: Any = _Attributes()
        attributes.status_code = status_code
        attributes.headers = headers
        attributes.content = content
        attributes.url = url
        attributes.loads = loads
        attributes.__class__ = cls
        response: Self = attributes
        return response

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return partial(Response, loads=self.loads), (self.status_code, self.headers, self.content, self.url)

    @property
    def text(self) -> str:
        """The body decoded as UTF-8; invalid bytes become U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the decoded JSON body.

        Raises:
            ValueError: If the body is not JSON.
        """
        return decode_json(self.content, self.loads)

    def retry_after(self) -> float | None:
        """Return the seconds to wait by the Retry-After header, in either of its forms (RFC 9110, 10.2.3).

        None if the response has no such header, or its value is not valid.
        """
        value = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            return float(value)
        retry_at = parse_http_date(value)
        return None if retry_at is None else max(0.0, retry_at - time.time())

    def replace(self, **changes: Any) -> "Response":
        """Return a copy with other attributes."""
        attributes: dict[str, Any] = {name: getattr(self, name) for name in _Attributes.__slots__}
        return Response(**(attributes | changes))

    def __repr__(self) -> str:
        return f"<Response {self.status_code} {self.url.partition('?')[0]} {len(self.content)} bytes {self.headers!r}>"
