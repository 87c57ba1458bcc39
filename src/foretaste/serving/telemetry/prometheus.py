"""Metrics for Prometheus, summed over the workers. Importing this connects `metrics.py`, once per process."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from foretaste.serving.telemetry.metrics import ALL, SECONDS, Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where workers keep their metrics for one another; set before this file is imported."""


def exposition() -> tuple[bytes, str]:
    """(text, content type) of all metrics of all workers."""
    if FOLDER in os.environ:
        _forget_dead_workers(Path(os.environ[FOLDER]))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST


def _forget_dead_workers(folder: Path) -> None:
    """What a killed worker had under way is under way no longer; what it had counted stays."""
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)


def _made(metric: Metric) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.summary, metric.labels_are)
    if metric.kind == "gauge":
        return Gauge(metric.name, metric.summary, metric.labels_are, multiprocess_mode="livesum")
    return Histogram(metric.name, metric.summary, metric.labels_are, buckets=SECONDS)


for metric in ALL:
    metric.connected = _made(metric)
