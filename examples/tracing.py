"""Create OpenTelemetry spans in a middleware: per call or per attempt, depending on its position in the list.

python examples/tracing.py     shows both on a throw-away server; each first request fails
"""

import asyncio
from urllib.parse import urlsplit

from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from pocketbase_core import PocketBase, PocketBaseConnectionError, Request, Response
from pocketbase_core.middleware import Handler, Middleware, Retry
from pocketbase_core.testing import LocalServer


class Spans:
    """Middleware that creates a client span for each request and sends its context (W3C Trace Context)."""

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
    return f"   span {span.name} {attributes['url.path']} {attributes.get('http.response.status_code', 'failed')!s}\n"


async def check(url: str, title: str, middleware: list[Middleware]) -> None:
    failures = iter([True])

    async def flaky(request: Request, call_next: Handler) -> Response:
        print("   sent", request.method, "traced" if "traceparent" in request.headers else "")
        if next(failures, False):
            raise PocketBaseConnectionError(request.url, request_sent=False)
        return await call_next(request)

    print(f"\n{title}")
    async with PocketBase(url, middleware=[*middleware, flaky]) as pb:
        await pb.health.check()


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=one_line)))
    spans = Spans(provider.get_tracer("pocketbase"))
    async with LocalServer() as server:
        await check(server.url, "Spans, Retry: a span for the call", [spans, Retry()])
        await check(server.url, "Retry, Spans: a span for each attempt", [Retry(), spans])
    provider.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
