"""OpenTelemetry: one span per request, named after the route; not imported unless switched on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient

from foretaste.serving.answering.engine import Engine
from foretaste.serving.http import guard
from foretaste.serving.http.app import create_app
from foretaste.serving.settings import ServerConfig
from foretaste.serving.telemetry.spans import Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What was exported, in memory."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(guard, "Spans", lambda: Spans(provider.get_tracer("test")))
    return exporter


def test_a_span_names_the_route_and_nobody(spans: Any, engine: Engine) -> None:
    client = TestClient(create_app(engine, ServerConfig(otel=True)), base_url="http://127.0.0.1:8000")
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-ID": "mine"}
    client.get("/v1/users/very-secret/recommendations?filter=%7B%22year%22%3A1%7D", headers=headers)
    client.get("/v1/items/also-secret")
    client.get("/nowhere/also-secret")
    first, second, third = spans.get_finished_spans()
    assert first.name == "GET /v1/users/{user}/recommendations"
    assert dict(first.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/users/{user}/recommendations",
        "http.response.status_code": 200,
        "foretaste.request_id": "mine",
    }
    assert f"{first.context.trace_id:032x}" == TRACE, "it goes on with the caller's trace"
    assert (second.name, second.attributes["http.response.status_code"]) == ("GET /v1/items/{item}", 404)
    assert third.name == "GET (no such route)"
    assert "secret" not in "".join(span.to_json() for span in (first, second, third))


def test_a_failure_is_marked_and_its_words_stay_here(
    spans: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret word")

    monkeypatch.setattr(engine, "popular", fail)
    client = TestClient(create_app(engine, ServerConfig(otel=True)), base_url="http://127.0.0.1:8000")
    assert client.get("/v1/items").status_code == 500
    (span,) = spans.get_finished_spans()
    assert span.status.status_code.name == "ERROR"
    assert "secret" not in span.to_json()


def test_nothing_of_it_is_imported_where_it_is_off() -> None:
    # The bare API comes with FastAPI; what costs time and starts threads is the rest.
    code = "import sys, foretaste.serving.http.app; print([n for n in sys.modules if 'opentelemetry.sdk' in n])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


SET_UP_BY_OTHERS = """
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
from foretaste.events.memory import MemoryStore
from foretaste.serving.http.app import create_app
from foretaste.serving.answering.engine import Engine
client = TestClient(create_app(Engine(None, MemoryStore())), base_url="http://127.0.0.1:8000")
print(client.get("/v1/users/very-secret").status_code)
"""


def test_fastapi_exports_no_paths_behind_our_back() -> None:
    pytest.importorskip("opentelemetry.sdk")
    done = subprocess.run([sys.executable, "-c", SET_UP_BY_OTHERS], capture_output=True, text=True)
    assert done.stdout.strip() == "404", done.stderr
