"""Three middlewares of your own, and what their order does, on a throw-away server.

A middleware is any `async (request, call_next) -> response`; the first of a list is the outermost.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from pocketbase_core import AuthStore, PocketBase, Request, Response
from pocketbase_core.middleware import Handler, Middleware, Retry
from pocketbase_core.testing import LocalServer


class Cache:
    """Answers reads of records with what the server said less than `seconds` ago. A write forgets everything."""

    def __init__(self, seconds: float, most: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: dict[tuple[str, str], tuple[float, Response]] = {}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.method != "GET":
            try:
                return await call_next(request)
            finally:
                self._kept = {}  # what is being read now goes to the old one
        if "/api/collections/" not in request.url:  # files and events are streams
            return await call_next(request)
        key = request.full_url, request.headers.get("Authorization", "")  # nobody sees what another may
        known = self._kept
        kept = known.pop(key, None)
        if kept is None or kept[0] <= self._clock():
            kept = self._clock() + self._seconds, await call_next(request)
        if kept[1].status_code == 200:
            known[key] = kept
        if len(known) > self._most:
            del known[next(iter(known))]  # what was not asked for the longest
        return kept[1]


class RateLimit:
    """Lets so many requests a second through; the others wait for their turn."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap, self._clock, self._sleep = 1 / per_second, clock, sleep
        self._turn = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        now = self._clock()
        turn = max(now, self._turn)
        self._turn = turn + self._gap
        await self._sleep(turn - now)
        return await call_next(request)


class Spans:
    """An OpenTelemetry span around each request, which the server is told of."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        url = urlsplit(request.url)
        attributes = {"http.request.method": request.method, "url.path": url.path, "server.address": url.hostname or ""}
        kind = trace.SpanKind.CLIENT
        with self._tracer.start_as_current_span(request.method, kind=kind, attributes=attributes) as span:
            headers = dict[str, str]()
            propagate.inject(headers)
            response = await call_next(request.replace(headers=request.headers | headers))
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 400:
                span.set_status(trace.StatusCode.ERROR)
            return response


def one_line(span: ReadableSpan) -> str:
    attributes = dict[str, object](span.attributes or {})
    return f"   span  {span.name} {attributes['url.path']} {attributes.get('http.response.status_code', 'failed')!s}\n"


async def tell(request: Request, call_next: Handler) -> Response:
    """The innermost sees what really goes out."""
    print("   sent ", request.method, urlsplit(request.url).path, "traced" if "traceparent" in request.headers else "")
    return await call_next(request)


async def read_thrice(server: LocalServer, store: AuthStore, title: str, middleware: list[Middleware]) -> None:
    print(f"\n{title}: the same record three times, then one that is missing")
    started = time.perf_counter()
    async with PocketBase(server.url, auth_store=store, middleware=[*middleware, tell]) as pb:
        for _ in range(3):
            await pb.collection("notes").get_one("abcdefghijklmno")
        await asyncio.gather(pb.collection("notes").get_one("missing"), return_exceptions=True)
    print(f"   took {time.perf_counter() - started:.1f} s")


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=one_line)))
    spans = Spans(provider.get_tracer("pocketbase"))
    async with LocalServer() as server:
        async with PocketBase(server.url) as pb:
            await pb.admins.auth.with_password(*server.superuser)
            await pb.collections.create({"name": "notes", "type": "base", "fields": [{"name": "text", "type": "text"}]})
            await pb.collection("notes").create({"id": "abcdefghijklmno", "text": "Hello"})
        store = pb.auth_store
        # A span for each call, even of what the cache answers; only what is sent waits for its turn.
        await read_thrice(server, store, "Spans, Cache, RateLimit", [spans, Cache(60), RateLimit(4), Retry()])
        # A span for what is sent, without the time it waited.
        await read_thrice(server, store, "Cache, RateLimit, Spans", [Cache(60), RateLimit(4), Retry(), spans])
        # Even what is at hand waits for its turn.
        await read_thrice(server, store, "RateLimit, Cache, Spans", [RateLimit(4), Cache(60), Retry(), spans])
    provider.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
