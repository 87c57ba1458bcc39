"""Prometheus metrics, summed over the workers."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which workers share their metrics; must be set before this module is imported."""
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

REQUESTS = Counter("foretaste_requests_total", "Requests answered.", ["method", "route", "status"])
LATENCY = Histogram(
    "foretaste_request_seconds", "Seconds from the complete request to the response.", ["route"], buckets=SECONDS
)
REFUSED = Counter("foretaste_refused_total", "Requests refused before any work was done.", ["why"])
UNDER_WAY = Gauge("foretaste_requests_under_way", "Requests in progress.", multiprocess_mode="livesum")
EVENTS = Counter("foretaste_events_total", "Events received.", ["status"])
LISTS = Counter("foretaste_lists_total", "Recommendation lists returned.", ["scene", "degraded"])
CHANGES = Counter("foretaste_catalogue_changes_total", "Catalogue changes applied by this worker.")
RELOADS = Counter("foretaste_reloads_total", "Bundle activations by outcome.", ["outcome"])
ANSWERS = Counter("foretaste_answers_total", "Answers recorded for replay, and those dropped.", ["outcome"])
POSITION = Gauge("foretaste_log_position", "Position of the newest event in the log.", multiprocess_mode="max")


def exposition() -> tuple[bytes, str]:
    """(text, content type) of all metrics of all workers."""
    if FOLDER in os.environ:
        _forget_dead_workers(Path(os.environ[FOLDER]))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST


def _forget_dead_workers(folder: Path) -> None:
    """Drop the live gauges of dead workers; their counters stay."""
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
