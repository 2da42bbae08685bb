"""Frozen responses."""

import json as jsonlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .headers import Headers as Headers
from .headers import MutableHeaders as MutableHeaders
from .json_values import JsonLoads, decode_json, default_loads

_NO_JSON: Any = object()


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Response:
    """An answer, read to its end. `Response(200, json={…})` builds one. `loads` reads the body's JSON."""

    status_code: int
    headers: Headers
    content: bytes
    url: str
    loads: JsonLoads = field(compare=False)

    def __init__(
        self,
        status_code: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        content: bytes = b"",
        url: str = "",
        *,
        json: Any = _NO_JSON,
        loads: JsonLoads = default_loads,
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
        return decode_json(self.content, self.loads)

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
