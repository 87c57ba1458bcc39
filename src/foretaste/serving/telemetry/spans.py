"""OpenTelemetry tracing (optional): one span per request, named after the route, without ids.

Off by default, and then OpenTelemetry is not imported. Exporters are configured by the usual OTEL_* variables.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from foretaste.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span, Tracer
    from starlette.datastructures import Headers

SERVICE = "foretaste"


class Spans:
    """The tracer of one process."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        """tracer : for tests; by default one that exports as the environment says"""
        try:
            from opentelemetry import propagate, trace
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "?", "otel", "Tracing") from error
        self._propagate = propagate
        self._trace = trace
        self._tracer = tracer or _exporting()

    @contextmanager
    def request(self, headers: Headers, method: str) -> Iterator[Span]:
        """A span that continues the trace of the caller, where the headers name one."""
        within = self._propagate.extract(dict(headers))
        with self._tracer.start_as_current_span(
            method,
            context=within,
            kind=self._trace.SpanKind.SERVER,
            record_exception=False,  # messages may quote what a client sent
            set_status_on_exception=False,
        ) as span:
            yield span

    def end(self, span: Span, method: str, route: str, status: int, request_id: str) -> None:
        """Set name and attributes of a span by OpenTelemetry's semantic conventions."""
        span.update_name(f"{method} {route}")
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "foretaste.request_id": request_id,
        }
        span.set_attributes(attributes)
        if status >= 500 or status == 0:
            span.set_status(self._trace.StatusCode.ERROR)


def _exporting() -> Tracer:
    """A tracer that exports spans by OTLP over HTTP, in batches from a background thread."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "?", "otel", "Tracing") from error
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence.
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(SERVICE)
